"""What Anthropic's answers mean: how batches stand and end, pages, and errors by whom they are about.

Answers are built as the published SDK's types have them, and each is checked against those.
"""

import json
from typing import Any

import pytest
from anthropic.types.messages import MessageBatch
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects.anthropic import Anthropic
from schemas.dialects.orders import SubmitLater, SubmitRefused, SubmitUnclear
from schemas.readings import (
    CancelRefused,
    Denied,
    KeyFails,
    KeyWorks,
    NamedOutput,
    Observation,
    Observed,
    Page,
    Question,
    Response,
    RowCounts,
    Troubled,
)
from schemas.times import SECOND, parse_rfc3339
from schemas.words import ActionVerb, OutputRole, Status, Trouble

BASE = "https://api.anthropic.example/v1"
JOB = "msgbatch_013Zva2CMHLNnXjNJJKqJ2EF"
DIALECT = Anthropic()
NONE = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}


def batch(**members: Any) -> dict[str, Any]:
    told = {
        "id": JOB,
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": {**NONE, "processing": 4},
        "created_at": "2026-08-20T18:37:24.100435Z",
        "expires_at": "2026-08-21T18:37:24.100435Z",
        "ended_at": None,
        "cancel_initiated_at": None,
        "archived_at": None,
        "results_url": None,
        **members,
    }
    MessageBatch.model_validate(told)
    return told


def ended(**counts: int) -> dict[str, Any]:
    url = f"https://elsewhere.example/v1/messages/batches/{JOB}/results"
    at = "2026-08-20T19:00:00Z"
    return batch(processing_status="ended", request_counts={**NONE, **counts}, ended_at=at, results_url=url)


def answer(document: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, headers, json.dumps(document).encode())


def error(status: int, kind: str, code: str | None = None, **headers: str) -> Response:
    details = {} if code is None else {"details": {"error_code": code}}
    told = {"type": "error", "error": {"type": kind, "message": "what it says", **details}, "request_id": "req_1"}
    return answer(told, status, **{name.replace("_", "-"): value for name, value in headers.items()})


def polled(document: Any) -> Observation:
    read = DIALECT.read_poll("batch", JOB, answer(document))
    assert isinstance(read, Observed)
    return read.observation


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("in_progress", Status.RUNNING),
        ("canceling", Status.RUNNING),
        ("cancelling", Status.RUNNING),
        ("IN_PROGRESS", Status.RUNNING),
        ("validating", Status.PENDING),
        ("completed", Status.PENDING),
        ("succeeded", Status.PENDING),
    ],
)
def test_words(word: str, status: Status) -> None:
    """Each word's status; one that nobody has explained is open, however final it sounds."""
    seen = polled({**batch(), "processing_status": word})

    assert (seen.status, seen.native_status) == (status, word)
    assert seen.counts == RowCounts(4)
    assert (seen.progress, seen.outputs) == (None, ())


@pytest.mark.parametrize(
    ("counts", "status", "failed"),
    [
        ({"succeeded": 4}, Status.COMPLETED, 0),
        ({"succeeded": 1, "errored": 3}, Status.COMPLETED, 3),
        ({"succeeded": 1, "canceled": 3}, Status.COMPLETED, 3),
        ({"succeeded": 1, "errored": 1, "canceled": 1, "expired": 1}, Status.COMPLETED, 3),
        ({"errored": 4}, Status.FAILED, 4),
        ({"errored": 1, "expired": 3}, Status.FAILED, 4),
        ({"errored": 1, "canceled": 3}, Status.FAILED, 4),
        ({"expired": 4}, Status.EXPIRED, 4),
        ({"canceled": 4}, Status.CANCELLED, 4),
        ({"canceled": 1, "expired": 3}, Status.CANCELLED, 4),
    ],
)
def test_ends(counts: dict[str, int], status: Status, failed: int) -> None:
    """The one word for an end is decided by the counts; however it ended, there are results for every request."""
    seen = polled(ended(**counts))

    assert (seen.status, seen.native_status) == (status, "ended")
    assert seen.counts == RowCounts(4, counts.get("succeeded", 0), failed)
    assert (seen.progress, seen.writes_files) == (100, False)
    assert seen.outputs == (NamedOutput(OutputRole.RESULTS, JOB),)
    assert (seen.error_message is not None) == (status in (Status.FAILED, Status.EXPIRED))


@pytest.mark.parametrize(
    "counts",
    [None, {}, "4", NONE, {**NONE, "processing": 4}, {"succeeded": 4}, {"succeeded": None, **NONE, "errored": "4"}],
)
def test_an_end_of_which_nothing_is_told(counts: Any) -> None:
    """An end without the counts that decide it is trouble, and is asked about again: it is none of the ends."""
    read = DIALECT.read_poll("batch", JOB, answer({**ended(), "request_counts": counts}))

    assert isinstance(read, Troubled)
    assert (read.trouble, read.about_source) == (Trouble.UNREADABLE, False)
    assert "request_counts" in read.message


@given(st.dictionaries(st.sampled_from(list(NONE)), st.integers(0, 5)))
def test_every_end(counts: dict[str, int]) -> None:
    """Whatever the counts, a batch has completed if any request succeeded, and else only ends as some request did."""
    read = DIALECT.read_poll("batch", JOB, answer(ended(**counts)))
    over = {name: many for name, many in counts.items() if many and name != "processing"}

    if not over:
        assert isinstance(read, Troubled)
    else:
        assert isinstance(read, Observed)
        seen = read.observation
        assert (seen.status is Status.COMPLETED) == ("succeeded" in over)
        assert (seen.status is Status.FAILED) == ("errored" in over and "succeeded" not in over)
        assert seen.status is not Status.CANCELLED or "canceled" in over
        assert (seen.status is Status.EXPIRED) == (over.keys() == {"expired"})


def test_the_rest_of_a_batch() -> None:
    """Times are read; what has no member of its own is shown, the URL of the results too, which is asked for at our own path."""
    told = {**ended(succeeded=4), "cancel_initiated_at": "2026-08-20T18:50:00Z", "archived_at": "2026-09-20T00:00:00Z"}
    seen = polled(told)

    assert seen.created_at == parse_rfc3339("2026-08-20T18:37:24.100435Z")
    assert seen.expires_at == parse_rfc3339("2026-08-21T18:37:24.100435Z")
    assert seen.ended_at == parse_rfc3339("2026-08-20T19:00:00Z")
    assert seen.more["cancel_initiated_at"] == "2026-08-20T18:50:00Z"
    assert seen.more["archived_at"] == "2026-09-20T00:00:00Z"
    assert str(seen.more["results_url"]).startswith("https://elsewhere.example/")
    question = DIALECT.content(BASE, "batch", JOB, OutputRole.RESULTS, JOB)
    assert question == Question("GET", f"{BASE}/messages/batches/{JOB}/results")


def test_how_it_asks() -> None:
    """The key stands in a header of its own, beside the version of the API, and never as a bearer."""
    assert DIALECT.headers("sk-ant-1") == {"x-api-key": "sk-ant-1", "anthropic-version": "2023-06-01"}
    assert DIALECT.poll(BASE, "batch", JOB, None) == (Question("GET", f"{BASE}/messages/batches/{JOB}"),)
    assert DIALECT.list_page(BASE, "a&b") == Question("GET", f"{BASE}/messages/batches?limit=100&after_id=a%26b")
    cancel = DIALECT.act(BASE, ActionVerb.CANCEL, "batch", JOB, None)
    assert cancel == Question("POST", f"{BASE}/messages/batches/{JOB}/cancel")
    assert DIALECT.act(BASE, ActionVerb.PAUSE, "batch", JOB, None) is None


ERRORS = [
    (error(400, "invalid_request_error"), Trouble.REQUEST, False),
    (error(400, "invalid_request_error", "organization_on_hold"), Trouble.KEY_REFUSED, True),
    (error(400, "invalid_request_error", "claude_code_key_creator_not_member"), Trouble.KEY_REFUSED, True),
    (error(401, "authentication_error"), Trouble.KEY_REFUSED, True),
    (error(402, "billing_error"), Trouble.KEY_REFUSED, True),
    (error(403, "permission_error"), Trouble.KEY_REFUSED, True),
    (error(408, "timeout_error"), Trouble.GATEWAY, False),
    (error(409, "conflict_error"), Trouble.GATEWAY, False),
    (error(413, "request_too_large"), Trouble.REQUEST, False),
    (error(429, "rate_limit_error"), Trouble.RATE_LIMITED, True),
    (error(500, "api_error"), Trouble.GATEWAY, False),
    (error(504, "timeout_error"), Trouble.GATEWAY, False),
    (error(529, "overloaded_error"), Trouble.GATEWAY, False),
    (Response(502, {}, b"<html>bad gateway</html>"), Trouble.GATEWAY, False),
    (Response(404, {}, b"<html>nothing here</html>"), Trouble.REQUEST, False),
    (Response(302, {"location": "https://elsewhere.example"}, b""), Trouble.REDIRECTED, False),
]


@pytest.mark.parametrize(("response", "trouble", "about_source"), ERRORS)
def test_errors(response: Response, trouble: Trouble, about_source: bool) -> None:
    """Each error by whom it is about, for a poll, a page, a cancel's trouble and the results alike."""
    for read in (
        DIALECT.read_poll("batch", JOB, response),
        DIALECT.read_page(response),
        DIALECT.read_denied(response),
    ):
        assert isinstance(read, Troubled)
        assert (read.trouble, read.about_source, read.http_status) == (trouble, about_source, response.status)


def test_how_long_to_wait() -> None:
    """A wish to wait is read wherever it stands."""
    for response in (error(429, "rate_limit_error", retry_after="7"), error(529, "overloaded_error", retry_after="7")):
        read = DIALECT.read_poll("batch", JOB, response)
        assert isinstance(read, Troubled)
        assert read.retry_after == 7 * SECOND


def test_not_known() -> None:
    """Only a 404 in Anthropic's own form denies a batch, or its results."""
    response = error(404, "not_found_error")

    assert DIALECT.read_poll("batch", JOB, response) == Denied("not_found_error: what it says")
    assert DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, response) == Denied("not_found_error: what it says")
    assert isinstance(DIALECT.read_denied(response), Denied)
    for other in (Response(404, {}, b"{}"), error(404, "invalid_request_error"), error(410, "not_found_error")):
        assert isinstance(DIALECT.read_poll("batch", JOB, other), Troubled)


def test_another_batch() -> None:
    """An answer about another batch is trouble, whatever it says."""
    read = DIALECT.read_poll("batch", JOB, answer(ended(succeeded=1) | {"id": "msgbatch_other"}))

    assert isinstance(read, Troubled)
    assert read.trouble is Trouble.WRONG_JOB


def test_cancels() -> None:
    """A cancel is answered with the batch; a refusal is one only where it is not about who asks, or the provider itself."""
    taken = DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, answer(batch(processing_status="canceling")))
    assert isinstance(taken, Observed)
    assert taken.observation.status is Status.RUNNING

    for status in (400, 409, 422):
        refused = DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, error(status, "invalid_request_error"))
        assert refused == CancelRefused(status, "invalid_request_error: what it says")
    for response in (error(400, "invalid_request_error", "organization_on_hold"), error(401, "authentication_error")):
        read = DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, response)
        assert isinstance(read, Troubled)
        assert read.about_source
    assert isinstance(DIALECT.read_act(ActionVerb.CANCEL, "batch", JOB, error(500, "api_error")), Troubled)


CREATES: list[tuple[Response, type]] = [
    (answer(batch()), Observed),
    (answer(batch(processing_status="ended", request_counts=NONE)), SubmitUnclear),
    (Response(200, {}, b'{"id":"msgbatch_1'), SubmitUnclear),
    (error(400, "invalid_request_error"), SubmitRefused),
    (error(400, "invalid_request_error", "organization_on_hold"), SubmitLater),
    (error(400, "invalid_request_error", "cmek_key_disabled"), SubmitLater),
    (error(401, "authentication_error"), SubmitLater),
    (error(402, "billing_error"), SubmitLater),
    (error(403, "permission_error"), SubmitLater),
    (error(404, "not_found_error"), SubmitLater),
    (error(408, "timeout_error"), SubmitUnclear),
    (error(409, "conflict_error"), SubmitUnclear),
    (error(413, "request_too_large"), SubmitRefused),
    (error(422, "invalid_request_error"), SubmitRefused),
    (error(429, "rate_limit_error"), SubmitLater),
    (error(429, "rate_limit_error", "enforced_spend_limit_reached"), SubmitLater),
    (error(500, "api_error"), SubmitUnclear),
    (error(504, "timeout_error"), SubmitUnclear),
    (error(529, "overloaded_error"), SubmitUnclear),
    (Response(302, {}, b""), SubmitLater),
]


@pytest.mark.parametrize(("response", "meaning"), CREATES)
def test_creates(response: Response, meaning: type) -> None:
    """By one question: may a batch have come of it? Where it may, the create is not sent again."""
    assert isinstance(DIALECT.read_create(response), meaning)


def test_creates_that_go_on_later() -> None:
    """What is in the way of new batches alone does not keep others from being asked about."""
    for code in ("cmek_key_disabled", "enforced_spend_limit_reached"):
        read = DIALECT.read_create(error(429, "rate_limit_error", code))
        assert isinstance(read, SubmitLater)
        assert not read.trouble.about_source
    read = DIALECT.read_create(error(429, "rate_limit_error"))
    assert isinstance(read, SubmitLater)
    assert read.trouble.about_source


def test_a_create_that_told_its_id_alone() -> None:
    """An id is enough to ask about a batch."""
    read = DIALECT.read_create(answer({"id": JOB}))

    assert isinstance(read, SubmitUnclear)
    assert (read.kind, read.job_id) == ("batch", JOB)


def page(*entries: Any, **members: Any) -> Page:
    read = DIALECT.read_page(answer({"data": list(entries), **members}))
    assert isinstance(read, Page)
    return read


def test_pages() -> None:
    """Entries are read, and the next page is asked for by the id that the page names, as long as it says that there is one."""
    first = page(batch(), batch(id="msgbatch_2"), {"id": 7}, has_more=True, first_id=JOB, last_id="msgbatch_2")
    assert [seen.job_id for seen in first.observations] == [JOB, "msgbatch_2"]
    assert (first.unreadable, first.is_full, first.cursor) == (1, True, "msgbatch_2")
    assert all(seen.submission is None and seen.input_file_id is None for seen in first.observations)

    last = page(batch(), has_more=False, last_id=JOB)
    assert (last.is_full, last.cursor) == (False, None)
    turning = DIALECT.read_page(answer({"data": [batch()], "has_more": True, "last_id": JOB}), JOB)
    assert isinstance(turning, Page)
    assert turning.cursor is None
    assert turning.doubt


def test_keys() -> None:
    """A page of the list shows that a key is good; what its errors say is told with what to do about it."""
    assert DIALECT.check_key(BASE) == (Question("GET", f"{BASE}/messages/batches?limit=1"),)
    assert DIALECT.read_key(answer({"data": []})) == KeyWorks()
    for response, advice in (
        (error(401, "authentication_error"), "make a new one"),
        (error(404, "not_found_error"), "base_url has to end in /v1"),
    ):
        read = DIALECT.read_key(response)
        assert isinstance(read, KeyFails)
        assert advice in (read.advice or "")
