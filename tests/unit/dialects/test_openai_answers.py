"""What OpenAI is asked, and what its answers mean: about a batch, a cancel, a file, an upload, a create, and for the account."""

import json
from typing import Any

import pytest

from schemas.dialects.openai import OpenAI
from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear, Webhook
from schemas.readings import (
    CancelRefused,
    Denied,
    FileExists,
    KeyFails,
    KeyWorks,
    Observed,
    Question,
    Response,
    Troubled,
    Uploaded,
)
from schemas.times import SECOND
from schemas.words import ActionVerb, OutputRole, Status, Trouble

BASE = "https://api.openai.com/v1"
JOB = "batch_abc123"
DIALECT = OpenAI()

NOT_FOUND = {
    "message": f"No batch found with id '{JOB}'.",
    "type": "invalid_request_error",
    "param": None,
    "code": None,
}
WRONG_PATH = {"message": f"Invalid URL (GET /batches/{JOB})", "type": "invalid_request_error", "param": None}
UNKNOWN_URL = {"message": "Unknown request URL: GET /batches.", "type": "invalid_request_error", "code": "unknown_url"}
BAD_KEY = {
    "message": "Incorrect API key provided: sk-***abcd.",
    "type": "invalid_request_error",
    "code": "invalid_api_key",
}
NO_QUOTA = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
FAST = {"message": "Rate limit reached.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
FAULT = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
PAGE = b"<html><title>502 Bad Gateway</title></html>"


def answer(status: int, document: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, document if isinstance(document, bytes) else json.dumps(document).encode())


def error(status: int, told: dict[str, Any], **headers: str) -> Response:
    return answer(status, {"error": told}, **headers)


def batch(**members: Any) -> dict[str, Any]:
    return {"id": JOB, "object": "batch", "status": "in_progress", "created_at": 1_781_166_600, **members}


def test_questions() -> None:
    """Each question is the one that OpenAI documents; ids are one segment of a path, and no URL that was offered is followed."""
    assert DIALECT.poll(BASE, "batch", JOB, None) == (Question("GET", f"{BASE}/batches/{JOB}"),)
    evil = DIALECT.poll(BASE, "batch", JOB, "https://evil.example/v1/batches/batch_abc123")
    assert evil == (Question("GET", f"{BASE}/batches/{JOB}", mismatch="https://evil.example/v1/batches/batch_abc123"),)
    assert DIALECT.act(BASE, ActionVerb.CANCEL, "batch", "a/b", None) == Question(
        "POST", f"{BASE}/batches/a%2Fb/cancel"
    )
    assert DIALECT.file(BASE, "file-1") == Question("GET", f"{BASE}/files/file-1")
    for role in OutputRole:
        content = DIALECT.content(BASE, "batch", JOB, role, "file-1")
        assert content == Question("GET", f"{BASE}/files/file-1/content")
    assert DIALECT.upload(BASE) == Question("POST", f"{BASE}/files")
    assert DIALECT.list_page(BASE, None) == Question("GET", f"{BASE}/batches?limit=100")
    assert DIALECT.list_page(BASE, "batch_9&x") == Question("GET", f"{BASE}/batches?limit=100&after=batch_9%26x")
    assert DIALECT.socket(BASE, "batch", JOB) is None


def test_create() -> None:
    """It names file, endpoint, the one window that there is and our metadata; of webhooks it says nothing."""
    order = NewJob(
        "file-1", "/v1/responses", None, {"team": "search"}, Webhook(("batch.completed",), endpoint_id="we_1")
    )

    assert DIALECT.create(BASE, order) == Question(
        "POST",
        f"{BASE}/batches",
        {
            "input_file_id": "file-1",
            "endpoint": "/v1/responses",
            "completion_window": "24h",
            "metadata": {"team": "search"},
        },
    )
    wished = DIALECT.create(BASE, NewJob("file-1", completion_window="48h")).body
    assert wished == {"input_file_id": "file-1", "completion_window": "48h", "metadata": {}}


def test_how_much_one_batch_may_hold() -> None:
    """50,000 rows and 200 MB, as the docstring of `batches.create` says."""
    assert (DIALECT.input_limits(None).rows, DIALECT.input_limits(None).file_bytes) == (50_000, 200_000_000)


# What goes wrong in the same way whatever was asked: the trouble, whether it is about all questions, and the wait.
ACCOUNT_TROUBLES = [
    (error(401, BAD_KEY), Trouble.KEY_REFUSED, None),
    (error(403, {"message": "You have insufficient permissions.", "type": None}), Trouble.KEY_REFUSED, None),
    (error(429, FAST, retry_after="7"), Trouble.RATE_LIMITED, 7 * SECOND),
    (error(429, NO_QUOTA), Trouble.RATE_LIMITED, None),
    (answer(429, PAGE, retry_after="1"), Trouble.RATE_LIMITED, SECOND),
]
OTHER_TROUBLES = [
    (error(500, FAULT), Trouble.GATEWAY),
    (answer(502, PAGE), Trouble.GATEWAY),
    (error(503, {"message": "Overloaded."}, retry_after="3"), Trouble.GATEWAY),
    (answer(408, b""), Trouble.GATEWAY),
    (answer(302, b"", location="https://elsewhere.example"), Trouble.REDIRECTED),
    (error(404, WRONG_PATH), Trouble.REQUEST),
    (error(404, UNKNOWN_URL), Trouble.REQUEST),
    (answer(404, PAGE), Trouble.REQUEST),
    (answer(200, b'{"id": "batch_'), Trouble.UNREADABLE),
    (answer(200, PAGE), Trouble.UNREADABLE),
    (answer(200, batch(status=None)), Trouble.UNREADABLE),
    (answer(200, batch(id="batch_other")), Trouble.WRONG_JOB),
]


@pytest.mark.parametrize(("response", "trouble", "wait"), ACCOUNT_TROUBLES)
def test_trouble_with_the_account(response: Response, trouble: Trouble, wait: int | None) -> None:
    """It is about every question of the source; nothing that was uploaded or created is given up for it."""
    polled = DIALECT.read_poll("batch", JOB, response)
    assert isinstance(polled, Troubled)
    assert (polled.trouble, polled.about_source, polled.retry_after) == (trouble, True, wait)
    assert DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, response) == polled
    assert DIALECT.read_page(response) == polled
    assert DIALECT.read_denied(response) == polled
    assert DIALECT.read_upload(response) == polled
    assert DIALECT.read_create(response) == SubmitLater(polled)


@pytest.mark.parametrize(("response", "trouble"), OTHER_TROUBLES)
def test_other_trouble(response: Response, trouble: Trouble) -> None:
    """It is about this question alone, and says nothing of the job."""
    for said in (
        DIALECT.read_poll("batch", JOB, response),
        DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, response),
    ):
        assert isinstance(said, Troubled)
        assert (said.trouble, said.about_source) == (trouble, False)


@pytest.mark.parametrize("told", [WRONG_PATH, UNKNOWN_URL])
def test_a_wrong_address_is_no_denial(told: dict[str, Any]) -> None:
    """Where nothing stands, that is said with what to look at, and no job and no file is denied for it."""
    said = DIALECT.read_poll("batch", JOB, error(404, told))

    assert isinstance(said, Troubled)
    assert "base_url" in said.message
    assert isinstance(DIALECT.read_file("file-1", error(404, told)), Troubled)
    assert isinstance(DIALECT.read_key(error(404, told)), KeyFails)


def test_a_denied_batch() -> None:
    """A 404 in OpenAI's own form denies the batch, asked about or cancelled."""
    denied = Denied(f"invalid_request_error: No batch found with id '{JOB}'.")

    assert DIALECT.read_poll("batch", JOB, error(404, NOT_FOUND)) == denied
    assert DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, error(404, NOT_FOUND)) == denied
    assert DIALECT.read_denied(error(404, NOT_FOUND)) == denied


def test_an_observed_batch() -> None:
    """An answer about the batch that was asked about."""
    said = DIALECT.read_poll("batch", JOB, answer(200, batch(status="cancelling")))

    assert isinstance(said, Observed)
    assert (said.observation.status, said.observation.native_status) == (Status.RUNNING, "cancelling")


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_refused_cancel(status: int) -> None:
    """A cancel that comes too late is refused with OpenAI's words; from a page in front of it nothing follows."""
    told = {"message": "Cannot cancel a batch with status 'completed'.", "type": "invalid_request_error", "code": None}
    refused = CancelRefused(status, "invalid_request_error: Cannot cancel a batch with status 'completed'.")

    assert DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, error(status, told)) == refused
    assert isinstance(DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, answer(status, PAGE)), Troubled)


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (answer(200, {"id": "file-1", "bytes": 12}), FileExists("file-1", 12)),
        (answer(200, {"id": "file-1", "bytes": -1}), FileExists("file-1", None)),
        (answer(200, {"id": "file-1", "bytes": True}), FileExists("file-1", None)),
        (
            error(404, {"message": "No such File object: file-1", "type": "invalid_request_error"}),
            Denied("invalid_request_error: No such File object: file-1"),
        ),
    ],
)
def test_a_files_record(response: Response, outcome: FileExists | Denied) -> None:
    """It tells its size; a file that expired or never was is denied."""
    assert DIALECT.read_file("file-1", response) == outcome


def test_a_record_of_another_file() -> None:
    """An answer about another file is trouble."""
    said = DIALECT.read_file("file-1", answer(200, {"id": "file-2", "bytes": 1}))

    assert isinstance(said, Troubled)
    assert said.trouble is Trouble.WRONG_JOB


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (answer(200, {"id": "file-1", "object": "file"}), Uploaded("file-1")),
        (
            error(400, {"message": "Invalid file.", "type": "invalid_request_error"}),
            SubmitRefused(400, "invalid_request_error: Invalid file."),
        ),
        (
            error(413, {"message": "Too large.", "code": "file_too_large"}),
            SubmitRefused(413, "file_too_large: Too large."),
        ),
    ],
)
def test_an_upload(response: Response, outcome: Uploaded | SubmitRefused) -> None:
    """It is taken, or the file is refused for good."""
    assert DIALECT.read_upload(response) == outcome


@pytest.mark.parametrize("response", [error(500, FAULT), answer(502, PAGE), answer(200, PAGE), answer(200, {"id": 5})])
def test_an_upload_to_be_tried_again(response: Response) -> None:
    """Whatever else comes is trouble, after which the same file is uploaded again."""
    assert isinstance(DIALECT.read_upload(response), Troubled)


def test_a_created_batch() -> None:
    """The answer to a create is about the new batch, whatever it is called."""
    said = DIALECT.read_create(answer(200, batch(id="batch_new", status="validating")))

    assert isinstance(said, Observed)
    assert (said.observation.job_id, said.observation.status) == ("batch_new", Status.PENDING)


@pytest.mark.parametrize(
    ("response", "known"),
    [
        (error(500, FAULT), None),
        (answer(504, PAGE), None),
        (answer(408, b""), None),
        (answer(200, b'{"id": "batch_1"'), None),
        (answer(200, {"id": "batch_1", "status": None}), "batch_1"),
        (answer(200, {"id": "a b", "status": "validating"}), None),
    ],
)
def test_an_unclear_create(response: Response, known: str | None) -> None:
    """After an error of OpenAI's own, or an unreadable answer, there may be a batch; with its id it can be asked about."""
    said = DIALECT.read_create(response)

    assert isinstance(said, SubmitUnclear)
    assert (said.job_id, said.kind) == (known, "batch" if known else None)


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refused_create(status: int) -> None:
    """What OpenAI says no to leaves nothing behind."""
    said = DIALECT.read_create(error(status, {"message": "No such File object: file-1", "code": "not_there"}))

    assert isinstance(said, SubmitRefused)
    assert said.http_status == status
    assert "not_there: No such File object" in said.message


def test_a_working_key() -> None:
    """A key is good that gets the list, be it empty."""
    assert DIALECT.check_key(BASE) == (Question("GET", f"{BASE}/batches?limit=1"),)
    assert DIALECT.read_key(answer(200, {"object": "list", "data": [], "has_more": False})) == KeyWorks()


@pytest.mark.parametrize(
    ("response", "trouble", "advice"),
    [
        (error(401, BAD_KEY), Trouble.KEY_REFUSED, "copy it again"),
        (error(403, {"message": "Missing scopes."}), Trouble.KEY_REFUSED, "permission"),
        (error(429, NO_QUOTA), Trouble.RATE_LIMITED, "billing"),
        (error(404, UNKNOWN_URL), Trouble.REQUEST, "/v1"),
        (answer(200, PAGE), Trouble.UNREADABLE, None),
        (answer(200, {}), Trouble.UNREADABLE, None),
    ],
)
def test_a_key_that_does_not_work(response: Response, trouble: Trouble, advice: str | None) -> None:
    """What is wrong, and what to do about it."""
    said = DIALECT.read_key(response)

    assert isinstance(said, KeyFails)
    assert said.trouble.trouble is trouble
    assert (said.advice is None) if advice is None else (advice in (said.advice or ""))
