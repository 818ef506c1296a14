"""Phaseo's error envelopes (contract 1.3): whose trouble an answer tells of, and how long to wait."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Answer, Denied, Observed, Response, Troubled
from schemas.times import DAY, HOUR, SECOND
from schemas.words import Trouble

JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"


def flat(error: str, reason: str, status: int, **members: Any) -> dict[str, Any]:
    """Envelope E1: the gateway's own."""
    return {
        "error": error,
        "reason": reason,
        "request_id": "G-01K2XYZ3ABCDEFGHJKMNPQRSTV",
        "generation_id": "G-01K2XYZ3ABCDEFGHJKMNPQRSTV",
        "workspace_id": "6d0c",
        "status_code": status,
        "error_type": "user",
        "error_origin": "user",
        **members,
    }


def nested(kind: str, reason: str, **members: Any) -> dict[str, Any]:
    """Envelope E2: the gateway's own as well, about one piece of work."""
    return {"error": {"type": kind, "reason": reason, "message": "...", **members}}


# Envelope E3: the words of the provider behind the gateway, each in its own fashion.
OPENAI = {"error": {"message": "Incorrect API key", "type": "invalid_request_error", "param": None, "code": "x"}}
ANTHROPIC = {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
GEMINI = {"error": {"code": 401, "message": "bad", "status": "UNAUTHENTICATED", "details": [{"reason": "x"}]}}
X_AI = {"code": "The caller does not have permission", "error": "Incorrect API key provided"}
MISTRAL = {"object": "error", "message": "Unauthorized", "type": "auth", "param": None, "code": None}
FASTAPI = {"detail": "Unauthorized"}
PROVIDERS = [OPENAI, ANTHROPIC, GEMINI, X_AI, MISTRAL, FASTAPI, {}, {"error": None}, {"error": ["x"]}, {"error": {}}]


def polled(status: int, body: Any = b"", **headers: str) -> Answer:
    """What an answer to a poll means."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Phaseo().read_poll("batch", JOB, Response(status, named, content))


@pytest.mark.parametrize(
    "reason",
    [
        "missing_or_invalid_authorization_header",
        "invalid_key_format",
        "legacy_key_prefix_retired",
        "management_key_not_valid_for_gateway",
        "oauth_delegated_key_required",
        "key_not_found_or_revoked",
        "key_expired",
        "key_soft_blocked",
        "invalid_secret",
    ],
)
def test_our_key_refused(reason: str) -> None:
    """A 401 in the gateway's own words is about our key: the whole source waits, and the job is none the worse."""
    answer = polled(401, flat("unauthorised", reason, 401))

    assert answer == Troubled(Trouble.KEY_REFUSED, f"HTTP 401: unauthorised: {reason}", 401, about_source=True)


@pytest.mark.parametrize("reason", ["db_error", "server_misconfig_missing_pepper"])
def test_gateway_at_fault(reason: str) -> None:
    """Two reasons of a 401 are trouble of the gateway's own, and our key is as good as before."""
    answer = polled(401, flat("unauthorised", reason, 401))

    assert answer == Troubled(Trouble.GATEWAY, f"HTTP 401: unauthorised: {reason}", 401)


def test_preview_not_open() -> None:
    """A key without access to the preview is refused by every route."""
    body = flat("forbidden", "batch_api_feature_flag_disabled", 403, message="...", error_origin="gateway")
    answer = polled(403, body)

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source) == (Trouble.KEY_REFUSED, True)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"", b"Unauthorized", b"<html>no</html>"])
def test_refused_in_plain_text(status: int, body: bytes) -> None:
    """So does a refusal in plain text, by whatever stands before the gateway: everything else would go the same way."""
    answer = polled(status, body)

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source) == (Trouble.KEY_REFUSED, True)


@pytest.mark.parametrize("body", PROVIDERS, ids=lambda body: json.dumps(body)[:30])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 500, 502, 503, 529])
def test_passed_on(status: int, body: dict[str, Any]) -> None:
    """A provider's own error, of whatever shape, speaks of the gateway's account there: neither our key nor the job."""
    answer = polled(status, body)

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source, answer.http_status) == (Trouble.UPSTREAM, False, status)


@pytest.mark.parametrize("body", PROVIDERS, ids=lambda body: json.dumps(body)[:30])
def test_passed_on_rate_limit(body: dict[str, Any]) -> None:
    """A provider's rate limit is obeyed for this job, with its wish where it has one; other jobs may have other providers."""
    answer = polled(429, body, retry_after="7")

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source, answer.retry_after) == (Trouble.RATE_LIMITED, False, 7 * SECOND)


@pytest.mark.parametrize("body", [flat("key_limit_exceeded", "daily", 429), b"Too Many Requests", b""])
def test_own_rate_limit(body: Any) -> None:
    """A limit of our key, or one in plain text, holds for the whole source; it often names no time."""
    answer = polled(429, body)

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source, answer.retry_after) == (Trouble.RATE_LIMITED, True, None)


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, flat("validation_error", "x", 400), Trouble.REQUEST),
        (402, flat("insufficient_funds", "x", 402), Trouble.REQUEST),
        (403, flat("guardrail_blocked", "x", 403), Trouble.REQUEST),
        (404, flat("not_found", "x", 404), Trouble.REQUEST),
        (404, b"404 Not Found", Trouble.REQUEST),
        (409, flat("not_ready", "x", 409), Trouble.REQUEST),
        (413, nested("validation_error", "batch_body_too_large"), Trouble.REQUEST),
        (403, nested("forbidden", "batch_provider_preview_disabled"), Trouble.REQUEST),
        (500, flat("gateway_error", "x", 500, error_type="system"), Trouble.GATEWAY),
        (500, b"Internal Server Error", Trouble.GATEWAY),
        (500, b"", Trouble.GATEWAY),
        (501, flat("not_implemented_yet", "x", 501), Trouble.GATEWAY),
        (502, flat("upstream_error", "x", 502, error_origin="upstream"), Trouble.UPSTREAM),
        (502, nested("upstream_error", "batch_file_upload_missing_id"), Trouble.UPSTREAM),
        (502, nested("upstream_outcome_unknown", "x", batch_id=JOB), Trouble.UPSTREAM),
        (501, flat("not_implemented_yet", "batch_status_provider_not_supported", 501), Trouble.GATEWAY),
        (426, {"error": {"code": "websocket_upgrade_required", "message": "..."}}, Trouble.REQUEST),
        (429, nested("rate_limit_error", "batch_file_hourly_quota_exceeded"), Trouble.RATE_LIMITED),
        (502, nested("async_job_persistence_failed", "x", batch_id=JOB), Trouble.GATEWAY),
        (502, {"error": {"type": "async_job_persistence_failed", "batch_id": JOB}}, Trouble.GATEWAY),
        (503, b"<html><h1>Service Unavailable</h1></html>", Trouble.GATEWAY),
        (599, b"\xff\xfe", Trouble.GATEWAY),
        (100, b"", Trouble.REQUEST),
    ],
)
def test_other_troubles(status: int, body: Any, trouble: Trouble) -> None:
    """A refused question is our trouble, a fault the gateway's; neither stands for the whole source or ends a job."""
    answer = polled(status, body)

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source, answer.http_status) == (trouble, False, status)


def test_switched_off() -> None:
    """Where the whole service is switched off, the source waits, and the message says so."""
    answer = polled(501, flat("not_implemented_yet", "batch_api_temporarily_disabled", 501))

    assert isinstance(answer, Troubled)
    assert (answer.trouble, answer.about_source) == (Trouble.GATEWAY, True)
    assert "batch_api_temporarily_disabled" in answer.message


def test_a_wrong_address() -> None:
    """A plain 404 is no job's: the message says what to look at."""
    answer = polled(404, b"404 Not Found")

    assert isinstance(answer, Troubled)
    assert answer.message.startswith("HTTP 404: 404 Not Found; nothing is at this address")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects(status: int) -> None:
    """A redirect is an error that names its goal; nobody goes there."""
    answer = polled(status, b"", location="https://evil.example/\r\nx")

    assert answer == Troubled(
        Trouble.REDIRECTED,
        "redirected to https://evil.example/\\r\\nx; redirects are not followed",
        status,
    )


def test_redirect_to_nowhere() -> None:
    """A redirect may name no goal."""
    assert polled(302) == Troubled(Trouble.REDIRECTED, "redirected to nowhere; redirects are not followed", 302)


def test_the_denial() -> None:
    """One envelope, about this very id, says that the job is not ours or not known."""
    body = flat("not_found", "batch_not_found_or_not_owned", 404, batch_id=JOB)

    assert polled(404, body) == Denied("not_found: batch_not_found_or_not_owned")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, flat("not_found", "batch_not_found_or_not_owned", 404, batch_id=f"{JOB}?x=1")),
        (404, flat("not_found", "batch_not_found_or_not_owned", 404, batch_id="batch_another")),
        (404, flat("not_found", "file_not_found_or_not_owned", 404, file_id="file-1")),
        (404, flat("not_found", "batch_not_found_or_not_owned ", 404, batch_id=JOB)),
        (404, flat("not_found", "async_job_not_found_or_not_owned", 404, batch_id=JOB)),
        (404, flat("not_found", "", 404, batch_id=JOB)),
        (404, nested("not_found", "batch_not_found_or_not_owned", batch_id=JOB)),
        (404, {"error": {"message": f"No batch found with id '{JOB}'.", "type": "x", "param": None, "code": None}}),
        (404, ANTHROPIC),
        (404, X_AI),
        (404, b"404 Not Found"),
        (404, b"<html>Not Found</html>"),
        (404, b""),
        (404, b'{"error":"not_found","error":"not_found","reason":"batch_not_found_or_not_owned"}'),
        (400, flat("not_found", "batch_not_found_or_not_owned", 400, batch_id=JOB)),
        (410, flat("not_found", "batch_not_found_or_not_owned", 410, batch_id=JOB)),
        (403, flat("not_found", "batch_not_found_or_not_owned", 403, batch_id=JOB)),
        (200, flat("not_found", "batch_not_found_or_not_owned", 404, batch_id=JOB)),
        (500, flat("not_found", "batch_not_found_or_not_owned", 404, batch_id=JOB)),
    ],
)
def test_no_denial(status: int, body: Any) -> None:
    """Any other answer, be it a 404 of a provider or of a wrong path, denies nothing."""
    assert isinstance(polled(status, body), Troubled)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is not readable: not JSON"),
        (b"<html><body>OK</body></html>", "the answer is not readable: not JSON"),
        (b"OK", "the answer is not readable: not JSON"),
        (b"null", "the answer is not readable: not an object"),
        (b"[]", "the answer is not readable: not an object"),
        (b"\xff", "the answer is not readable: not UTF-8"),
        (b"[" * 100_000, "the answer is not readable: nested deeper than 64"),
        (b'{"id":1' + b"0" * 5000 + b"}", "the answer is not readable: a number of more than 20 digits"),
        (b"{}", "the answer has no usable id"),
        (b'{"error":"not_found"}', "the answer has no usable id"),
        (b'{"error":{"message":"x"}}', "the answer has no usable id"),
        (b'{"data":{"id":"batch_1","status":"completed"}}', "the answer has no usable id"),
        (f'{{"id":"{JOB}"}}'.encode(), "the answer has no status"),
        (f'{{"id":"{JOB}","error":{{"message":"x"}}}}'.encode(), "the answer has no status"),
        (
            f'{{"id":"{JOB}","id":"{JOB}","status":"failed"}}'.encode(),
            "the answer is not readable: a key stands twice in one object",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_unreadable_success(status: int, body: bytes, message: str) -> None:
    """A success that holds no batch is trouble, and no state."""
    assert polled(status, body) == Troubled(Trouble.UNREADABLE, message, status)


@pytest.mark.parametrize("job_id", ["batch_another", JOB.lower(), f"{JOB}x", "batch_68f0"])
def test_wrong_job(job_id: str) -> None:
    """An answer about another job, be it this job's native id, is never applied."""
    body = {"id": job_id, "native_batch_id": JOB, "status": "completed"}

    assert polled(200, body) == Troubled(Trouble.WRONG_JOB, f"the answer is about {job_id}", 200)


def test_messages_are_made_safe() -> None:
    """What a provider says is bounded, and no control character of it reaches a terminal."""
    for body in (flat("a\x1b[31m", "b\x00", 500, message="c" * 10_000), b"\x1b[31m" * 10_000):
        answer = polled(500, body)

        assert isinstance(answer, Troubled)
        assert len(answer.message) <= 320
        assert answer.message.isprintable()


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("0", 0),
        ("7", 7 * SECOND),
        (" 120 ", 120 * SECOND),
        ("99999999", 99_999_999 * SECOND),
        ("Wed, 12 Aug 2026 03:00:00 GMT", HOUR),
        ("Wednesday, 12-Aug-26 03:00:00 GMT", HOUR),
        ("Wed, 12 Aug 2026 03:00:00 -0000", HOUR),
        ("Wed, 12 Aug 2026 05:00:00 +0200", HOUR),
        ("Tue, 11 Aug 2026 02:00:00 GMT", -DAY),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("1e9", None),
        ("+7", None),
        ("٧", None),
        ("²", None),
        ("9" * 5000, None),
        ("Wed, 12 Aug 99999 03:00:00 GMT", None),
        ("Wed, 32 Aug 2026 03:00:00 GMT", None),
        (",", None),
        ("\x00", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_retry_after(value: str, micros: int | None) -> None:
    """A wish to wait is a number of seconds, or a date measured against the answer's own; not yet clamped."""
    answer = polled(503, b"", retry_after=value, date="Wed, 12 Aug 2026 02:00:00 GMT")

    assert isinstance(answer, Troubled)
    assert answer.retry_after == micros


@pytest.mark.parametrize("date", ["", "today", "Wed, 12 Aug 2026"])
def test_date_without_now(date: str) -> None:
    """A date is no wish where the answer does not say what time it is there: our clock is not asked."""
    answer = polled(503, b"", retry_after="Wed, 12 Aug 2026 03:00:00 GMT", date=date)

    assert isinstance(answer, Troubled)
    assert answer.retry_after is None


@settings(deadline=None)
@given(
    st.integers(0, 999),
    st.dictionaries(
        st.sampled_from(["error", "reason", "batch_id", "file_id", "message", "error_origin", "id", "status"]),
        st.none()
        | st.text()
        | st.integers()
        | st.sampled_from([JOB, "not_found", "batch_not_found_or_not_owned"])
        | st.dictionaries(
            st.sampled_from(["type", "code", "reason", "message", "param", "batch_id"]), st.none() | st.text()
        ),
    ),
    st.text(),
    st.text(),
)
def test_any_answer(status: int, body: dict[str, Any], retry_after: str, date: str) -> None:
    """Whatever is answered is an observation, a denial or trouble; trouble with a source comes from an answer about our key."""
    answer = polled(status, body, retry_after=retry_after, date=date)

    assert isinstance(answer, Observed | Denied | Troubled)
    if isinstance(answer, Denied):
        assert status == 404
    if isinstance(answer, Troubled) and answer.about_source:
        assert status in (401, 403, 429) or "batch_api_temporarily_disabled" in answer.message
