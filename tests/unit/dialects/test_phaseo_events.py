"""Phaseo's events: which deliveries an ended batch should have brought, and how one is made by hand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Ended, Expected, Identity, RowCounts, Suppressed, Verified
from schemas.times import SECOND
from schemas.words import OPEN, Status

NOW = 1_786_500_000 * SECOND
BASE = "https://api.phaseo.app/v1"
SECRET = b"whsec_4f2b9c7d1e8a6350"
JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
DEFAULT = Phaseo().defaults.webhook_events
UNCOUNTED = RowCounts()
TERMINALS = ("completed", "failed", "cancelled", "expired")


def expected(
    status: Status, events: tuple[str, ...], counts: RowCounts = UNCOUNTED, output: str | None = "file-1"
) -> list[str]:
    """The expectations as words: a key, keys that will do for one another, or a key in brackets that never comes."""
    expectations = Phaseo().expected(Ended("batch", status, counts, output), events)
    return [f"({each.key})" if isinstance(each, Suppressed) else "|".join(each.keys) for each in expectations]


@pytest.mark.parametrize(
    ("status", "events", "keys"),
    [
        (Status.COMPLETED, DEFAULT, ["batch.completed"]),
        (Status.FAILED, DEFAULT, ["batch.failed"]),
        (Status.CANCELLED, DEFAULT, ["batch.cancelled"]),
        (Status.EXPIRED, DEFAULT, ["batch.failed|batch.expired"]),
        (Status.COMPLETED, ("batch.created", *DEFAULT), ["batch.created", "batch.completed"]),
        (Status.FAILED, ("batch.created",), ["batch.created"]),
        (Status.COMPLETED, ("batch.failed", "batch.cancelled"), []),
        (Status.FAILED, ("batch.completed",), []),
        (Status.CANCELLED, ("batch.completed",), []),
        (Status.CANCELLED, ("batch.canceled",), ["batch.cancelled"]),
        (Status.CANCELLED, ("JOB.CANCELED",), ["batch.cancelled"]),
        (Status.EXPIRED, ("batch.failed",), ["batch.failed|batch.expired"]),
        (Status.EXPIRED, ("batch.expired",), ["(batch.expired)"]),
        (Status.EXPIRED, ("job.expired",), ["(batch.expired)"]),
        (Status.EXPIRED, ("batch.completed",), []),
        (Status.COMPLETED, ("batch.progress", "batch.status_changed"), []),
        (Status.COMPLETED, ("video.completed",), []),
        (Status.COMPLETED, ("batch.exploded",), []),
        *((Status(phase), (f"job.{phase}",), [f"batch.{phase}"]) for phase in TERMINALS[:3]),
        *((Status(phase), (phase,), [f"batch.{phase}"]) for phase in TERMINALS[:3]),
        *((Status(phase), (f"Batch.{phase.title()}",), [f"batch.{phase}"]) for phase in TERMINALS[:3]),
        *((Status(phase), (), []) for phase in TERMINALS),
    ],
)
def test_expected(status: Status, events: tuple[str, ...], keys: list[str]) -> None:
    """An end is announced once, under its own name, to whoever listens for it; an expired one as failed."""
    assert expected(status, events) == keys


@pytest.mark.parametrize(
    ("counts", "output", "keys"),
    [
        (RowCounts(3, 3, 0), "file-1", ["batch.completed"]),
        (RowCounts(3, 1, 2), "file-1", ["batch.completed"]),
        (RowCounts(), "file-1", ["batch.completed"]),
        (RowCounts(3, None, 3), "file-1", ["batch.completed"]),
        (RowCounts(3, 0, 3), None, ["(batch.completed)"]),
        (RowCounts(3, 0, 3), "file-1", ["(batch.completed)"]),
        (RowCounts(3, 3, 0), None, ["(batch.completed)"]),
        (RowCounts(), None, ["(batch.completed)"]),
    ],
)
def test_all_rows_failed(counts: RowCounts, output: str | None, keys: list[str]) -> None:
    """A completed batch without an output file or a successful row is never announced."""
    assert expected(Status.COMPLETED, DEFAULT, counts, output) == keys


def test_all_rows_failed_unheard() -> None:
    """To whoever does not listen for completed batches nothing is suppressed."""
    assert expected(Status.COMPLETED, ("batch.failed",), RowCounts(3, 0, 3), None) == []


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.EXPIRED])
def test_other_ends_need_no_output(status: Status) -> None:
    """Every other end is announced with files or without."""
    assert expected(status, DEFAULT, RowCounts(3, 0, 3), None) == expected(status, DEFAULT)


def test_why_suppressed() -> None:
    """What is suppressed says why."""
    for status, events in ((Status.COMPLETED, ("completed",)), (Status.EXPIRED, ("expired",))):
        (suppressed,) = Phaseo().expected(Ended("batch", status, RowCounts(3, 0, 3), None), events)

        assert isinstance(suppressed, Suppressed)
        assert suppressed.why.startswith("the gateway")


def test_first_key_names_it() -> None:
    """An expected delivery is called by the key that really comes."""
    (expectation,) = Phaseo().expected(Ended("batch", Status.EXPIRED, RowCounts(), None), DEFAULT)

    assert isinstance(expectation, Expected)
    assert expectation.name == "batch.failed"


@pytest.mark.parametrize("status", sorted(OPEN))
def test_open_jobs(status: Status) -> None:
    """A job that has not ended owes no announcement of its end."""
    assert expected(status, DEFAULT) == []


@given(
    st.sampled_from(Status),
    st.lists(st.sampled_from(sorted(Phaseo().defaults.known_events)) | st.text()),
    st.builds(RowCounts, *[st.none() | st.integers(0, 5)] * 3),
    st.none() | st.just("file-1"),
)
def test_any_subscription(status: Status, events: list[str], counts: RowCounts, output: str | None) -> None:
    """However a listener subscribes, a job owes at most its creation and one end."""
    assert len(expected(status, tuple(events), counts, output)) <= 2


@pytest.mark.parametrize(
    ("event", "event_type", "key", "kind"),
    [
        ("batch.completed", "batch.completed", "batch.completed", "batch"),
        ("batch.progress:50", "batch.progress", "batch.progress:50", "batch"),
        (
            "video.status_changed:queued:in_progress",
            "video.status_changed",
            "video.status_changed:queued:in_progress",
            "video",
        ),
        ("job.failed", "batch.failed", "batch.failed", "batch"),
        ("failed", "batch.failed", "batch.failed", "batch"),
    ],
)
def test_sample(event: str, event_type: str, key: str, kind: str) -> None:
    """A delivery made by hand carries the specific name, as all of the gateway's do."""
    body = json.loads(Phaseo().sample(event, JOB, "in_progress", BASE, NOW))

    assert (body["type"], body["delivery"]["key"]) == (event_type, key)
    assert (body["data"]["id"], body["data"]["kind"]) == (JOB, kind)
    assert (body["data"]["status"], body["data"]["lifecycle_status"]) == ("in_progress", "running")
    assert body["created_at"] == 1_786_500_000


@pytest.mark.parametrize(
    ("job_id", "event", "event_id"),
    [
        (JOB, "batch.progress:50", f"evt_batch_{JOB}_batch_progress_50"),
        ("a.b:c/d-e", "batch.completed", "evt_batch_a_b_c_d-e_batch_completed"),
        ("a..::b", "batch.completed", "evt_batch_a_b_batch_completed"),
        ("x" * 256, "batch.completed", "evt_batch_" + "x" * 150),
    ],
)
def test_event_ids(job_id: str, event: str, event_id: str) -> None:
    """Event ids are collapsed and cut as the gateway does it, so that they may collide."""
    assert json.loads(Phaseo().sample(event, job_id, "completed", BASE, NOW))["id"] == event_id


@given(
    st.sampled_from(
        ["batch.completed", "batch.created", "batch.progress:50", "job.failed", "cancelled", "video.expired"]
    ),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256).filter(
        lambda job_id: job_id not in (".", "..")
    ),
    st.sampled_from(["completed", "in_progress", "pending", "winding_down"]),
    st.binary(min_size=1, max_size=64),
)
def test_made_by_hand(event: str, job_id: str, status: str, secret: bytes) -> None:
    """What is made and signed by hand is accepted, with all its headers, as what it was made to be."""
    phaseo = Phaseo()
    request = phaseo.sign(secret, phaseo.sample(event, job_id, status, BASE, NOW), NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    outcome = phaseo.verify(headers, request.body, [secret], 0, NOW)

    assert isinstance(outcome, Verified)
    assert outcome.identity is not None
    assert (outcome.identity.job_id, outcome.report.native_status) == (job_id, status)


def test_signed_headers() -> None:
    """A signed request has the gateway's headers, each once."""
    request = Phaseo().sign(SECRET, Phaseo().sample("batch.completed", JOB, "completed", BASE, NOW), NOW)

    assert [name for name, _ in request.headers] == [
        "content-type",
        "user-agent",
        "x-phaseo-event-id",
        "x-phaseo-event-type",
        "x-phaseo-delivery-key",
        "x-phaseo-attempt",
        "x-phaseo-max-attempts",
        "x-phaseo-timestamp",
        "x-phaseo-signature",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"id":"\xc3\xa9","type":"a\\r\\nx: y","delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}}',
    ],
)
def test_any_body_can_be_signed(body: bytes) -> None:
    """Any bytes can be signed; what could not stand in a header is left out of it."""
    request = Phaseo().sign(SECRET, body, NOW)
    headers = [(name.encode(), value.encode("ascii")) for name, value in request.headers]

    assert all(value.isprintable() for _, value in request.headers)
    assert isinstance(Phaseo().verify(headers, body, [SECRET], 0, NOW), Verified)


def test_identity_of_a_sample() -> None:
    """A sample names the delivery that it was made for."""
    request = Phaseo().sign(SECRET, Phaseo().sample("batch.failed", JOB, "expired", BASE, NOW), NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    outcome = Phaseo().verify(headers, request.body, [SECRET], 0, NOW)

    assert isinstance(outcome, Verified)
    assert outcome.identity == Identity("batch", JOB, "batch.failed")
    assert outcome.report.status is Status.EXPIRED


def test_a_provider_without_files_announces_all_the_same():
    """
    Where the provider behind it never exposes a file, a completed batch without one is announced if a row succeeded.
    """
    ended = Ended("batch", Status.COMPLETED, RowCounts(3, 3, 0), None, writes_files=False)

    (expectation,) = Phaseo().expected(ended, DEFAULT)

    assert Expected(("batch.completed",)) == expectation
