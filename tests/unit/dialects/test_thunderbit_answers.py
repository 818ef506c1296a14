"""What Thunderbit's other answers mean: errors, cancels, creates, and whether a key works."""

import json
from typing import Any

import pytest

from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear, Webhook
from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions
from schemas.readings import (
    Accepted,
    Advice,
    CancelRefused,
    Denied,
    KeyFails,
    KeyWorks,
    NotFoundRule,
    Observed,
    Question,
    Response,
    RowCounts,
    Troubled,
)
from schemas.times import DAY, MINUTE, SECOND
from schemas.words import ActionVerb, Status, Trouble

JOB = "batch_7f3a9c21"
DIALECT = Thunderbit("tb")
NOW = 1_786_500_000 * SECOND
PAGE = b"<!doctype html><title>404</title>"


def error(status: int, code: str, message: str = "", headers: dict[str, str] | None = None, **more: Any) -> Response:
    """An error answer in the current form."""
    body = {"success": False, "error": {"code": code, "status": status, "message": message, "details": None, **more}}
    return Response(status, headers or {}, json.dumps(body).encode(), NOW)


def poll(response: Response) -> Any:
    return DIALECT.read_poll("batch", JOB, response, Question("GET", "https://a.example/batch/distill/x"))


def cancel(response: Response) -> Any:
    return DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, response)


def create(response: Response, new: NewJob | None = None) -> Any:
    return DIALECT.read_create(response, new)


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": {"code": "JOB_NOT_FOUND", "status": 404, "message": "No job"}},
        {"success": False, "error": {"code": 404, "status": "JOB_NOT_FOUND", "message": "No job"}},
        {"error": "JOB_NOT_FOUND", "message": "No job"},
    ],
)
def test_denied(body: dict[str, Any]) -> None:
    """Only the API's own code denies a job, whichever member holds it."""
    response = Response(404, {}, json.dumps(body).encode())

    assert poll(response) == Denied("JOB_NOT_FOUND: No job")
    assert DIALECT.read_result_page("batch", JOB, response) == Denied("JOB_NOT_FOUND: No job")


@pytest.mark.parametrize(
    "body", [PAGE, b"", b"{}", b'{"message":"Not Found"}', b'{"error":"Not Found"}', b'{"error":{"code":"NOT_FOUND"}}']
)
def test_wrong_addresses(body: bytes) -> None:
    """Any other 404 is about the address, and says nothing of a job."""
    said = poll(Response(404, {}, body))

    assert isinstance(said, Troubled)
    assert (said.trouble, said.about_source) == (Trouble.REQUEST, False)
    assert "base_url" in said.message
    assert isinstance(DIALECT.read_result_page("batch", JOB, Response(404, {}, body)), Troubled)


@pytest.mark.parametrize(
    ("response", "trouble", "about_source"),
    [
        (error(400, "INVALID_PARAMETER"), Trouble.REQUEST, False),
        (error(401, "API_KEY_REVOKED"), Trouble.KEY_REFUSED, True),
        (Response(401, {}, b""), Trouble.KEY_REFUSED, True),
        (error(402, "INSUFFICIENT_CREDITS"), Trouble.KEY_REFUSED, True),
        (Response(403, {}, PAGE), Trouble.KEY_REFUSED, True),
        (error(408, "REQUEST_TIMEOUT"), Trouble.GATEWAY, False),
        (error(429, "RATE_LIMIT_EXCEEDED"), Trouble.RATE_LIMITED, True),
        (Response(429, {}, PAGE), Trouble.RATE_LIMITED, True),
        (error(429, "SCRAPE_TARGET_RATE_LIMITED"), Trouble.UPSTREAM, False),
        (error(403, "SCRAPE_TARGET_RATE_LIMITED"), Trouble.UPSTREAM, False),
        (error(500, "INTERNAL_ERROR"), Trouble.GATEWAY, False),
        (error(503, "DOWNSTREAM_SERVICE_UNAVAILABLE"), Trouble.GATEWAY, False),
        (Response(502, {}, PAGE), Trouble.GATEWAY, False),
        (Response(200, {}, PAGE), Trouble.UNREADABLE, False),
        (Response(200, {}, b""), Trouble.UNREADABLE, False),
        (Response(302, {"location": "https://login.example"}, b""), Trouble.REDIRECTED, False),
    ],
)
def test_troubles(response: Response, trouble: Trouble, about_source: bool) -> None:
    """Which errors are about the account, so that no other question would fare better: its key, its credits, its limit."""
    said = poll(response)

    assert isinstance(said, Troubled)
    assert (said.trouble, said.about_source, said.http_status) == (trouble, about_source, response.status)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"x-ratelimit-reset": "1786500030"}, 30 * SECOND),
        ({"x-ratelimit-reset": "1786500030500"}, 30 * SECOND + 500_000),
        ({"x-ratelimit-reset": "1786499999"}, None),
        ({"x-ratelimit-reset": "30"}, None),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": "-5"}, None),
        ({"x-ratelimit-reset": "9" * 40}, None),
        ({"x-ratelimit-reset": "1786500030", "retry-after": "7"}, 7 * SECOND),
        ({"retry-after": "7"}, 7 * SECOND),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: int | None) -> None:
    """A 429 is waited out until Reset, in seconds or milliseconds; Retry-After goes before it."""
    said = poll(error(429, "RATE_LIMIT_EXCEEDED", headers=headers))

    assert isinstance(said, Troubled)
    assert said.retry_after == wait


def test_resets_of_other_answers() -> None:
    """Every answer says when the minute is over; only one that the limit refused is to be waited out."""
    said = poll(error(500, "INTERNAL_ERROR", headers={"x-ratelimit-reset": "1786500030"}))

    assert isinstance(said, Troubled)
    assert said.retry_after is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"code": "INVALID_URL", "message": "Bad"}}, "HTTP 400: INVALID_URL: Bad"),
        ({"error": {"code": 400, "status": "INVALID_URL", "message": "Bad"}}, "HTTP 400: INVALID_URL: Bad"),
        ({"error": {"code": "BAD_URL", "details": {"urls": "empty"}}}, "HTTP 400: BAD_URL: urls: empty"),
        ({"error": {"code": "BAD_URL", "details": ["x"]}}, "HTTP 400: BAD_URL"),
        ({"message": "Bad"}, "HTTP 400: Bad"),
        ({"error": "Bad\x1b[2J"}, r"HTTP 400: Bad\x1b[2J"),
        ({}, "HTTP 400: no message"),
        ({"error": {"message": 5}}, "HTTP 400: no message"),
    ],
)
def test_forms_of_errors(body: dict[str, Any], message: str) -> None:
    """An error is shown in its own words, in whichever form it came, and fit to be shown."""
    assert poll(Response(400, {}, json.dumps(body).encode())).message == message


@pytest.mark.parametrize(
    "response",
    [
        Response(200, {}, b'{"success":true}'),
        Response(202, {}, b'{"data":{"id":"batch_7f3a9c21","status":"PROCESSING"}}'),
        Response(204, {}, b""),
        Response(200, {}, b""),
    ],
)
def test_cancel_is_taken_in(response: Response) -> None:
    """A success says that the cancel was taken in, and nothing of the job."""
    assert cancel(response) == Accepted()


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 422])
@pytest.mark.parametrize("body", [PAGE, b"", b'{"success":false,"error":{"code":"INVALID_PARAMETER"}}'])
def test_cancel_is_refused(status: int, body: bytes) -> None:
    """A 4xx that is not about our asking refuses the cancel, whatever its form: the status is asked next."""
    assert isinstance(cancel(Response(status, {}, body)), CancelRefused)


def test_cancel_of_an_unknown_job() -> None:
    """A cancel is not lost because the job is not known yet, or not at this endpoint: it is sent again."""
    said = cancel(error(404, "JOB_NOT_FOUND", "No job"))

    assert said == Troubled(Trouble.NOT_FOUND, "JOB_NOT_FOUND: No job; the cancel is sent again", 404)


@pytest.mark.parametrize(
    ("response", "trouble"),
    [
        (error(401, "API_KEY_EXPIRED"), Trouble.KEY_REFUSED),
        (error(402, "INSUFFICIENT_CREDITS"), Trouble.KEY_REFUSED),
        (error(408, "REQUEST_TIMEOUT"), Trouble.GATEWAY),
        (error(429, "RATE_LIMIT_EXCEEDED"), Trouble.RATE_LIMITED),
        (error(500, "INTERNAL_ERROR"), Trouble.GATEWAY),
        (Response(302, {}, b""), Trouble.REDIRECTED),
        (Response(200, {}, PAGE), Trouble.UNREADABLE),
        (Response(200, {}, b'{"success":false}'), Trouble.GATEWAY),
    ],
)
def test_cancel_went_wrong(response: Response, trouble: Trouble) -> None:
    """Where the call itself failed, the cancel is neither taken in nor refused."""
    said = cancel(response)

    assert isinstance(said, Troubled)
    assert said.trouble is trouble


NEW = NewJob(
    endpoint="/batch/distill",
    webhook=Webhook(("batch.completed",), url="https://hooks.example/x", secret="whsec_1"),
    rows=b'{"custom_id":"a","url":"https://a.example"}\n{"custom_id":"b","url":"https://b.example"}\n',
)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "data": {"id": JOB, "status": "PENDING", "total": 2}},
        {"data": {"id": JOB, "status": "pending"}},
        {"data": {"job_id": JOB, "status": "pending", "total": None}},
        {"id": JOB},
        {"job_id": JOB},
    ],
)
def test_created(status: int, body: dict[str, Any]) -> None:
    """Any success that names a job has made it; what it does not repeat is as it was ordered."""
    said = create(Response(status, {}, json.dumps(body).encode()), NEW)

    assert isinstance(said, Observed)
    seen = said.observation
    assert (seen.kind, seen.job_id, seen.status, seen.endpoint) == ("batch", JOB, Status.PENDING, "/batch/distill")
    assert seen.counts == RowCounts(2, None, None)


@pytest.mark.parametrize(
    "response",
    [
        Response(200, {}, b"{}"),
        Response(201, {}, b'{"data":{"id":".."}}'),
        Response(200, {}, b'{"data":{"status":"PENDING"}}'),
        Response(200, {}, PAGE),
        Response(204, {}, b""),
        error(200, "INTERNAL_ERROR"),
        error(408, "REQUEST_TIMEOUT"),
        error(500, "INTERNAL_ERROR"),
        Response(502, {}, PAGE),
        Response(0, {}, b""),
    ],
)
def test_what_may_have_made_a_job(response: Response) -> None:
    """A success without an id, and an error or a time-out of the provider's own, may have made one: it is not sent again."""
    said = create(response, NEW)

    assert isinstance(said, SubmitUnclear)
    assert said.job_id is None


@pytest.mark.parametrize("status", [400, 405, 409, 413, 422])
def test_refused(status: int) -> None:
    """An order that is wrong is refused, in the provider's words."""
    assert create(error(status, "BATCH_SIZE_EXCEEDED", "Too many URLs"), NEW) == SubmitRefused(
        status, "BATCH_SIZE_EXCEEDED: Too many URLs"
    )


@pytest.mark.parametrize(
    ("response", "trouble", "about_source"),
    [
        (error(401, "API_KEY_NOT_FOUND"), Trouble.KEY_REFUSED, True),
        (Response(403, {}, PAGE), Trouble.KEY_REFUSED, True),
        (error(429, "RATE_LIMIT_EXCEEDED", headers={"x-ratelimit-reset": "1786500030"}), Trouble.RATE_LIMITED, True),
        (Response(404, {}, PAGE), Trouble.REQUEST, False),
        (Response(301, {}, b""), Trouble.REDIRECTED, False),
    ],
)
def test_later(response: Response, trouble: Trouble, about_source: bool) -> None:
    """What is about our key, our limit or the address has made nothing, and the submission outlives it."""
    said = create(response, NEW)

    assert isinstance(said, SubmitLater)
    assert (said.trouble.trouble, said.trouble.about_source) == (trouble, about_source)


def test_without_credits() -> None:
    """Without credits a submission waits, and says so; questions about other jobs go on."""
    said = create(error(402, "INSUFFICIENT_CREDITS", "Buy some"), NEW)

    assert isinstance(said, SubmitLater)
    assert said.trouble == Troubled(
        Trouble.KEY_REFUSED,
        "HTTP 402: INSUFFICIENT_CREDITS: Buy some; it is submitted by itself once the account has credits again",
        402,
        retry_after=10 * MINUTE,
    )


def test_a_key_that_works() -> None:
    """The API tells whom it knows that nobody has that job."""
    said = DIALECT.read_key(error(404, "JOB_NOT_FOUND"))

    assert said == KeyWorks("the provider has no list of jobs, so it was asked about one that nobody has")


@pytest.mark.parametrize(
    ("response", "trouble", "advice"),
    [
        (error(401, "API_KEY_MISSING"), Trouble.KEY_REFUSED, "is no key"),
        (error(401, "API_KEY_INVALID_FORMAT"), Trouble.KEY_REFUSED, "tb_ and 32 hex digits"),
        (error(401, "API_KEY_NOT_FOUND"), Trouble.KEY_REFUSED, "knows no such key"),
        (error(401, "API_KEY_REVOKED"), Trouble.KEY_REFUSED, "revoked"),
        (error(401, "API_KEY_DISABLED"), Trouble.KEY_REFUSED, "switched off"),
        (error(401, "API_KEY_EXPIRED"), Trouble.KEY_REFUSED, "make a new one"),
        (error(401, "INVALID_API_KEY"), Trouble.KEY_REFUSED, "copy it again"),
        (error(402, "INSUFFICIENT_CREDITS"), Trouble.KEY_REFUSED, "no credits"),
        (Response(404, {}, PAGE), Trouble.REQUEST, None),
        (Response(200, {}, b'{"data":{"id":"x","status":"PENDING"}}'), Trouble.UNREADABLE, None),
    ],
)
def test_a_key_that_fails(response: Response, trouble: Trouble, advice: str | None) -> None:
    """What is wrong with a key is told with what to do; a page or a stranger's job says nothing for it."""
    said = DIALECT.read_key(response)

    assert isinstance(said, KeyFails)
    assert said.trouble.trouble is trouble
    assert (said.advice is None) if advice is None else (said.advice is not None and advice in said.advice)


def test_jobs_that_are_not_found() -> None:
    """A job that was seen is forgotten after three denials over ten minutes; one that never was has a day."""
    assert DIALECT.not_found_rule(was_seen=True) == NotFoundRule(3, 10 * MINUTE, Status.EXPIRED)
    assert DIALECT.not_found_rule(was_seen=False) == NotFoundRule(3, DAY, Status.EXPIRED)


@pytest.mark.parametrize(
    ("rows", "is_told", "advice"),
    [
        (None, True, Advice(MINUTE, 5 * MINUTE, 30 * SECOND)),
        (10, True, Advice(MINUTE, 5 * MINUTE, 30 * SECOND)),
        (100, True, Advice(MINUTE, 5 * MINUTE, 200 * SECOND)),
        (9, True, Advice(5 * SECOND, 10 * SECOND, 5 * SECOND)),
        (9, False, Advice(5 * SECOND, 10 * SECOND, 5 * SECOND)),
        (10, False, Advice(10 * SECOND, MINUTE)),
        (None, False, Advice(10 * SECOND, MINUTE)),
    ],
)
def test_how_often_to_ask(rows: int | None, is_told: bool, advice: Advice) -> None:
    """Small jobs are asked about every 5 to 10 seconds; others wait for their webhook, the longer the more URLs they have."""
    assert DIALECT.advice(rows, is_told) == advice


def test_small_jobs_are_a_choice() -> None:
    """From how many URLs on a job is left to its webhook is the source's own choice; with 0 every one is."""
    assert Thunderbit("tb", ThunderbitOptions(poll_small_below=0)).advice(1, True) == Advice(
        MINUTE, 5 * MINUTE, 30 * SECOND
    )
