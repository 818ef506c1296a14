"""Thunderbit's webhooks: who a delivery is, what it says, and which one a job should have brought."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.delivery_key import key_of, key_of_unattributed
from schemas.readings import Ended, Expected, Identity, Observation, Report, RowCounts, Verified
from schemas.times import SECOND, parse_rfc3339
from schemas.words import Status

SECRET = b"whsec_test_0123456789abcdef"
NOW = 1_786_500_000 * SECOND
DIALECT = Thunderbit("tb")
PAYLOAD: dict[str, Any] = {
    "id": "batch_7f3a9c21",
    "jobType": "batch_extract",
    "status": "FAILED",
    "total": 12,
    "completed": 11,
    "failed": 1,
    "creditsUsed": 11,
    "createdAt": "2026-05-03T08:15:30Z",
    "completedAt": "2026-05-03T08:17:02.5+00:00",
}


def receive(body: bytes, *events: bytes) -> Verified:
    """An authentic body that comes under these names of an event, or under the usual one."""
    request = DIALECT.sign(SECRET, body, NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers if name != "x-webhook-event"]
    told = [(b"x-webhook-event", event) for event in events]
    outcome = DIALECT.verify([*headers, *told], body, [SECRET], SECOND, NOW)
    assert isinstance(outcome, Verified)
    return outcome


def body_of(**changes: Any) -> bytes:
    return json.dumps({**PAYLOAD, **changes}).encode()


@pytest.mark.parametrize("events", [(), (b"batch.completed",), (b"Batch.Completed",), (b"",), (b" batch.completed ",)])
def test_the_events_name_decides_nothing(events: tuple[bytes, ...]) -> None:
    """`batch.completed` is every end's name, also when it is missing: the body says which end it is."""
    outcome = receive(body_of(), *events)

    assert outcome.identity == Identity("batch", "batch_7f3a9c21", key_of("tb", "batch_7f3a9c21", "FAILED"))
    assert outcome.report == Report("batch.completed", status=Status.FAILED, native_status="FAILED", progress=99)


@pytest.mark.parametrize(
    "events", [(b"batch.failed",), (b"batch.completed", b"batch.completed"), (b"batch.completed\xff",), (b"x" * 5_000,)]
)
def test_events_that_are_not_known(events: tuple[bytes, ...]) -> None:
    """The name is not signed. What comes under another one is kept, belongs to no job, and says why."""
    outcome = receive(body_of(), *events)

    assert outcome.identity is None
    assert outcome.report == Report()
    assert outcome.unreadable is not None
    assert "only batch.completed is known" in outcome.unreadable
    assert len(outcome.unreadable) < 200
    assert outcome.unreadable.isprintable()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"id":"batch_1","status":"\xff"}', "not UTF-8"),
        (b'{"results":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b"{}", "unattributed: its id is missing, too long, or not printable ASCII"),
        (body_of(id=5), "unattributed: its id is missing, too long, or not printable ASCII"),
        (body_of(id=""), "unattributed: its id is missing, too long, or not printable ASCII"),
        (body_of(id=".."), "unattributed: its id is missing, too long, or not printable ASCII"),
        (body_of(id="batch ü"), "unattributed: its id is missing, too long, or not printable ASCII"),
        (body_of(id="b" * 257), "unattributed: its id is missing, too long, or not printable ASCII"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, why: str) -> None:
    """A body that does not name its job belongs to none, and says why."""
    outcome = receive(body)

    assert (outcome.identity, outcome.report, outcome.unreadable) == (None, Report(), why)


@pytest.mark.parametrize("status", [None, "", 7, [], {}])
def test_without_a_status(status: Any) -> None:
    """A body that names its job and no status is known by its bytes, and reports nothing: that makes us ask."""
    body = body_of(status=status)
    outcome = receive(body)

    assert outcome.identity == Identity("batch", "batch_7f3a9c21", key_of_unattributed("tb", body))
    assert outcome.report.status is None


@pytest.mark.parametrize(
    ("status", "key", "read"),
    [
        ("completed", "COMPLETED", Status.COMPLETED),
        ("Canceled", "CANCELLED", Status.CANCELLED),
        ("PROCESSING", "PROCESSING", Status.RUNNING),
        ("WARMING_UP", "WARMING_UP", None),
    ],
)
def test_statuses(status: str, key: str, read: Status | None) -> None:
    """Any word of status has a key of its own, in whatever case; an unknown one reports no status."""
    outcome = receive(body_of(status=status))

    assert outcome.identity == Identity("batch", "batch_7f3a9c21", key_of("tb", "batch_7f3a9c21", key))
    assert (outcome.report.status, outcome.report.native_status) == (read, status)


def test_retries_are_one_delivery() -> None:
    """Neither time nor signature nor the other members are part of who it is; the source, the job and its end are."""
    first = receive(body_of()).identity

    assert first == receive(body_of(creditsUsed=99, results=[{"url": "https://a.example"}], jobType=None)).identity
    others = [receive(body_of(id="batch_2")).identity, receive(body_of(status="COMPLETED")).identity]
    assert first not in others
    assert key_of("tb", "batch_1", "COMPLETED") != key_of("tb2", "batch_1", "COMPLETED")


def test_the_job_as_it_is_pushed() -> None:
    """A webhook shows the job but for its rows; credits stand as they were told."""
    said = DIALECT.read_pushed(PAYLOAD)

    assert isinstance(said, Observation)
    assert (said.kind, said.job_id, said.status) == ("batch", "batch_7f3a9c21", Status.FAILED)
    assert said.counts == RowCounts(12, 11, 1)
    assert said.created_at == parse_rfc3339("2026-05-03T08:15:30Z")
    assert said.ended_at == parse_rfc3339("2026-05-03T08:17:02.5Z")
    assert said.more == {"creditsUsed": 11, "jobType": "batch_extract"}
    assert DIALECT.read_pushed({"id": "batch_1"}) is None
    assert DIALECT.read_pushed({"status": "FAILED"}) is None


@pytest.mark.parametrize(
    ("status", "native"),
    [(Status.COMPLETED, "COMPLETED"), (Status.FAILED, "FAILED"), (Status.CANCELLED, "CANCELED")],
)
def test_what_an_end_should_have_brought(status: Status, native: str) -> None:
    """Every end brings one delivery, and the one that comes for it is that one, however the provider spells the end."""
    expected = DIALECT.expected(Ended("batch", status, RowCounts(), None, job_id="batch_7f3a9c21"), ["batch.completed"])
    came = receive(body_of(status=native)).identity

    assert came is not None
    assert expected == (Expected((came.delivery_key,), "batch.completed"),)


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.RUNNING, Status.PENDING, Status.PAUSED, Status.UNKNOWN])
def test_what_brings_nothing(status: Status) -> None:
    """A job that is open, or that the provider has forgotten, brings nothing; neither does an end nobody listens for."""
    ended = Ended("batch", status, RowCounts(), None, job_id="batch_1")

    assert DIALECT.expected(ended, ["batch.completed"]) == ()
    assert DIALECT.expected(Ended("batch", Status.FAILED, RowCounts(), None, job_id="batch_1"), []) == ()


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*PAYLOAD, "results"]), st.none() | st.booleans() | st.integers() | st.text()))
def test_any_members(members: dict[str, Any]) -> None:
    """Whatever the members are, the receiver and the judge read the same report."""
    outcome = receive(json.dumps(members).encode())

    if outcome.identity is not None:
        assert outcome.report == DIALECT.read_report(members)
    assert isinstance(DIALECT.read_pushed(members), Observation | None)
