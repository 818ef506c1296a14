"""What Phaseo's answers to a cancel, an upload, a create and a look at a file mean (contract 2.2, 3.1, 3.4)."""

import json
from typing import Any

import pytest

from schemas.dialects.orders import SubmitLater, SubmitRefused, SubmitUnclear
from schemas.dialects.phaseo import Phaseo
from schemas.readings import CancelRefused, Denied, FileExists, Observed, Response, Troubled, Uploaded
from schemas.times import DAY, HOUR
from schemas.words import ActionVerb, Status, Trouble

JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
PASSED_ON = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}
KEY = {"error": "unauthorised", "reason": "key_expired", "error_origin": "user"}


def response(status: int, body: Any) -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def flat(error: str, reason: str, **members: Any) -> dict[str, Any]:
    return {"error": error, "reason": reason, "error_type": "user", "error_origin": "user", **members}


def nested(kind: str, reason: str, **members: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason, **members}}


# --- cancel -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "lifecycle", "status"),
    [
        ("cancelling", "pending", Status.RUNNING),
        ("cancelled", "cancelled", Status.CANCELLED),
        ("canceled", "pending", Status.CANCELLED),
        ("in_progress", "running", Status.RUNNING),
        ("completed", "completed", Status.COMPLETED),
    ],
)
def test_cancel_answered(native: str, lifecycle: str, status: Status) -> None:
    """A cancel is answered with the batch as it is then: winding up, cancelled at once, or ended otherwise."""
    answer = Phaseo().read_act(
        ActionVerb.CANCEL, "batch", JOB, response(200, {"id": JOB, "status": native, "lifecycle_status": lifecycle})
    )

    assert isinstance(answer, Observed)
    assert answer.observation.status is status


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, PASSED_ON),
        (400, PASSED_ON),
        (404, PASSED_ON),
        (405, PASSED_ON),
        (409, {"type": "error", "error": {"type": "invalid_request_error", "message": "ended"}}),
        (409, {"code": "x", "error": "already ended"}),
        (409, {"detail": "already ended"}),
        (400, flat("validation_error", "batch_cancel_requires_non_terminal_status", status="completed")),
        (409, flat("not_ready", "x")),
    ],
)
def test_cancel_refused(status: int, body: Any) -> None:
    """A refusal by the provider, or by the earlier generation of the gateway, is one: the poll tells the truth afterwards."""
    answer = Phaseo().read_act(ActionVerb.CANCEL, "batch", JOB, response(status, body))

    assert isinstance(answer, CancelRefused)
    assert (answer.http_status, answer.cannot) == (status, False)


def test_cannot_be_cancelled() -> None:
    """A gateway that cannot cancel such jobs at all says so with 501."""
    answer = Phaseo().read_act(
        ActionVerb.CANCEL,
        "batch",
        JOB,
        response(501, flat("not_implemented_yet", "batch_cancel_provider_not_supported")),
    )

    assert answer == CancelRefused(501, "not_implemented_yet: batch_cancel_provider_not_supported", cannot=True)


def test_cancel_denied() -> None:
    """An unknown id is denied, as in a poll."""
    body = flat("not_found", "batch_not_found_or_not_owned", batch_id=JOB)

    assert isinstance(Phaseo().read_act(ActionVerb.CANCEL, "batch", JOB, response(404, body)), Denied)


@pytest.mark.parametrize(
    ("status", "body", "trouble", "about_source"),
    [
        (401, KEY, Trouble.KEY_REFUSED, True),
        (403, flat("forbidden", "batch_api_feature_flag_disabled"), Trouble.KEY_REFUSED, True),
        (429, flat("key_limit_exceeded", "x"), Trouble.RATE_LIMITED, True),
        (401, PASSED_ON, Trouble.UPSTREAM, False),
        (403, PASSED_ON, Trouble.UPSTREAM, False),
        (408, PASSED_ON, Trouble.UPSTREAM, False),
        (429, PASSED_ON, Trouble.RATE_LIMITED, False),
        (500, PASSED_ON, Trouble.UPSTREAM, False),
        (501, PASSED_ON, Trouble.UPSTREAM, False),
        (500, b"Internal Server Error", Trouble.GATEWAY, False),
        (502, nested("async_job_persistence_failed", "x", batch_id=JOB), Trouble.GATEWAY, False),
        (404, b"404 Not Found", Trouble.REQUEST, False),
        (400, b"Bad Request", Trouble.REQUEST, False),
        (409, b"<html></html>", Trouble.REQUEST, False),
        (302, b"", Trouble.REDIRECTED, False),
        (200, b"", Trouble.UNREADABLE, False),
        (200, {"error": "x"}, Trouble.UNREADABLE, False),
        (200, {"id": "batch_another", "status": "cancelled"}, Trouble.WRONG_JOB, False),
    ],
)
def test_cancel_troubled(status: int, body: Any, trouble: Trouble, about_source: bool) -> None:
    """What is about our key, the gateway, a wrong path or the provider's own trouble refuses nothing: it is asked again."""
    answer = Phaseo().read_act(ActionVerb.CANCEL, "batch", JOB, response(status, body))

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source) == (trouble, about_source)


# --- upload -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_id", ["file-Ab12", "files/x", "x" * 256])
def test_uploaded(file_id: str) -> None:
    """An upload is answered with the file's record; its id stands in `id`."""
    assert Phaseo().read_upload(response(200, {"id": file_id, "object": "file", "bytes": 1})) == Uploaded(file_id)


@pytest.mark.parametrize("file_id", [None, 7, "", " ", "a b", "é", ".", "..", "a\x00", "a\r\n", "x" * 257])
def test_uploaded_without_usable_id(file_id: Any) -> None:
    """An id that could not stand in a URL as one segment is no id; nor does `file_id` hold one."""
    answer = Phaseo().read_upload(response(200, {"id": file_id, "file_id": "file-1"}))

    assert isinstance(answer, Troubled)
    assert answer.trouble is Trouble.UNREADABLE


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (413, nested("validation_error", "batch_file_too_large")),
        (413, nested("rate_limit_error", "batch_file_too_large")),
        (402, nested("insufficient_funds", "insufficient_funds")),
        (400, nested("validation_error", "batch_file_empty")),
        (400, nested("validation_error", "batch_input_mode_not_supported")),
        (403, nested("forbidden", "batch_provider_preview_disabled")),
        (400, PASSED_ON),
        (413, b"Request Entity Too Large"),
    ],
)
def test_upload_refused(status: int, body: Any) -> None:
    """A file that is too large, empty, unpaid or unwanted is refused for good; a 413 may call itself a rate limit."""
    answer = Phaseo().read_upload(response(status, body))

    assert isinstance(answer, SubmitRefused)
    assert answer.http_status == status


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (429, nested("rate_limit_error", "something_new"), Trouble.RATE_LIMITED),
        (429, PASSED_ON, Trouble.RATE_LIMITED),
        (401, KEY, Trouble.KEY_REFUSED),
        (502, nested("upstream_error", "batch_file_upload_invalid_response"), Trouble.UPSTREAM),
        (502, nested("upstream_error", "batch_file_upload_missing_id"), Trouble.UPSTREAM),
        (500, b"Internal Server Error", Trouble.GATEWAY),
        (503, PASSED_ON, Trouble.UPSTREAM),
        (307, b"", Trouble.REDIRECTED),
        (200, b"OK", Trouble.UNREADABLE),
    ],
)
def test_upload_troubled(status: int, body: Any, trouble: Trouble) -> None:
    """Our pace, our key and faults elsewhere pass: the same file may be taken later."""
    answer = Phaseo().read_upload(response(status, body))

    assert isinstance(answer, Troubled)
    assert answer.trouble is trouble


@pytest.mark.parametrize(
    ("reason", "window"), [("batch_file_hourly_quota_exceeded", HOUR), ("batch_file_daily_bytes_exceeded", DAY)]
)
def test_upload_that_meets_a_quota(reason: str, window: int) -> None:
    """A full quota says over which time it counts (contract 2.2): until then the file waits."""
    answer = Phaseo().read_upload(response(429, nested("rate_limit_error", reason)))

    assert isinstance(answer, SubmitLater)
    assert (answer.window, answer.trouble.trouble) == (window, Trouble.RATE_LIMITED)


# --- create -----------------------------------------------------------------------------------------------------------


def test_created() -> None:
    """A create is answered with the batch."""
    answer = Phaseo().read_create(response(200, {"id": JOB, "status": "validating", "native_batch_id": "batch_68f0"}))

    assert isinstance(answer, Observed)
    assert (answer.observation.job_id, answer.observation.status) == (JOB, Status.PENDING)


@pytest.mark.parametrize("kind", ["upstream_outcome_unknown", "async_job_persistence_failed"])
def test_batch_may_exist(kind: str) -> None:
    """Two 502s leave a batch behind that may be alive, and name it: it is asked about and not created again."""
    answer = Phaseo().read_create(response(502, nested(kind, "x", batch_id=JOB)))

    assert answer == SubmitUnclear(f"HTTP 502: {kind}: x", "batch", JOB)


@pytest.mark.parametrize("batch_id", [None, 7, "", " ", "..", "a b", "é", "a\x00b", "x" * 300, {"id": JOB}])
def test_batch_may_exist_under_no_usable_id(batch_id: Any) -> None:
    """A name that cannot be a job's id is none."""
    answer = Phaseo().read_create(response(502, nested("upstream_outcome_unknown", "x", batch_id=batch_id)))

    assert isinstance(answer, SubmitUnclear)
    assert answer.job_id is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"Internal Server Error"),
        (502, b"<html></html>"),
        (503, nested("x", "batch_submission_persistence_failed")),
        (504, b""),
        (500, PASSED_ON),
        (200, b""),
        (200, b"OK"),
        (200, {"error": "x"}),
        (201, {"id": "..", "status": "validating"}),
    ],
)
def test_create_unclear(status: int, body: Any) -> None:
    """After any other fault, or a success that cannot be read, nobody knows whether there is a batch."""
    answer = Phaseo().read_create(response(status, body))

    assert isinstance(answer, SubmitUnclear)
    assert answer.job_id is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, flat("validation_error", "batch_webhook_endpoint_required")),
        (400, flat("validation_error", "invalid_batch_webhook")),
        (400, flat("invalid_json", "invalid_json")),
        (404, flat("not_found", "batch_input_file_not_found_or_not_owned", file_id="file-1")),
        (402, nested("insufficient_funds", "x", reserved_nanos=1)),
        (413, nested("validation_error", "batch_body_too_large")),
        (403, nested("forbidden", "batch_provider_preview_disabled")),
        (403, flat("guardrail_blocked", "x")),
        (400, PASSED_ON),
        (401, PASSED_ON),
        (429, PASSED_ON),
        (404, b"404 Not Found"),
        (308, b""),
    ],
)
def test_create_refused(status: int, body: Any) -> None:
    """Any no short of a fault leaves nothing alive behind, whether it is the gateway's about the batch or its provider's."""
    answer = Phaseo().read_create(response(status, body))

    assert isinstance(answer, SubmitRefused)
    assert answer.http_status == status


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, KEY),
        (401, flat("unauthorised", "db_error")),
        (403, flat("forbidden", "batch_api_feature_flag_disabled")),
        (429, flat("key_limit_exceeded", "x")),
    ],
)
def test_create_later(status: int, body: Any) -> None:
    """What the gateway itself says about our key or our pace leaves nothing behind, and passes: the create can be sent again."""
    answer = Phaseo().read_create(response(status, body))

    assert isinstance(answer, SubmitLater)
    assert (answer.trouble.http_status, answer.window) == (status, None)


# --- file -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "read"),
    [(18234, 18234), (0, 0), (None, None), (-1, None), (1 << 53, None), (True, None), ("7", None), (1.5, None)],
)
def test_file_exists(size: Any, read: int | None) -> None:
    """A file's record proves that it is there, whatever its status; its size may be unknown."""
    body = {"id": "file-1", "bytes": size, "status": "error"}

    assert Phaseo().read_file("file-1", response(200, body)) == FileExists("file-1", read)


def test_file_not_yet_known() -> None:
    """The gateway denies a file until it has noticed it itself."""
    body = flat("not_found", "file_not_found_or_not_owned", file_id="file-1")

    assert isinstance(Phaseo().read_file("file-1", response(404, body)), Denied)


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (404, PASSED_ON, Trouble.UPSTREAM),
        (404, {"error": "not_found"}, Trouble.UPSTREAM),
        (404, b"404 Not Found", Trouble.REQUEST),
        (400, flat("not_supported", "file_list_not_supported_with_shared_gateway_key"), Trouble.REQUEST),
        (401, KEY, Trouble.KEY_REFUSED),
        (500, b"Internal Server Error", Trouble.GATEWAY),
        (302, b"", Trouble.REDIRECTED),
        (200, b"{}", Trouble.WRONG_JOB),
        (200, {"id": "file-2"}, Trouble.WRONG_JOB),
        (200, {"id": ["file-1"]}, Trouble.WRONG_JOB),
        (200, b"<html></html>", Trouble.UNREADABLE),
    ],
)
def test_file_troubled(status: int, body: Any, trouble: Trouble) -> None:
    """Any other answer says nothing of the file."""
    answer = Phaseo().read_file("file-1", response(status, body))

    assert isinstance(answer, Troubled)
    assert answer.trouble is trouble


def test_a_create_that_tells_only_an_id_can_be_asked_about():
    """A success without a status is unclear, and its id is kept: the status endpoint knows the rest."""
    answer = Phaseo().read_create(response(200, {"id": JOB}))

    assert isinstance(answer, SubmitUnclear)
    assert answer.job_id == JOB


def test_text_that_the_provider_only_echoes_hides_no_end():
    """Metadata that no store could hold does not make an answer unreadable: nobody reads it."""
    body = b'{"id":"' + JOB.encode() + b'","status":"completed","metadata":{"note":"\\u0000\\ud800"},"errors":null}'

    answer = Phaseo().read_poll("batch", JOB, Response(200, {}, body))

    assert isinstance(answer, Observed)
    assert answer.observation.status is Status.COMPLETED
