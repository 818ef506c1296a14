"""OpenAI's webhooks: who a delivery is, that no status is read from an event's name, and which deliveries an end should bring."""

import json
from typing import Any, get_args

import pytest
from openai.types.webhooks import UnwrapWebhookEvent

from schemas.dialects.openai import OpenAI
from schemas.dialects.openai.events import BATCH_EVENTS
from schemas.readings import Coverage, Ended, Expected, Identity, Refused, Report, RowCounts, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason, Status

SECRET = b"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NOW = 1_781_166_600 * SECOND
DIALECT = OpenAI()


def event(type_: Any = "batch.completed", data: Any = None, **members: Any) -> bytes:
    data = {"id": "batch_abc123"} if data is None else data
    body = {"object": "event", "id": "evt_1", "type": type_, "created_at": 1_781_166_600, "data": data, **members}
    return json.dumps(body).encode()


def arrived(body: bytes, secret: bytes = SECRET) -> Verified | Refused:
    request = DIALECT.sign(secret, body, NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    return DIALECT.verify(headers, request.body, [SECRET], 300 * SECOND, NOW)


def identity(body: bytes) -> Identity | str | None:
    outcome = arrived(body)
    assert isinstance(outcome, Verified)
    return outcome.identity or outcome.unreadable


@pytest.mark.parametrize("name", BATCH_EVENTS)
def test_an_event_of_a_batch(name: str) -> None:
    """It names its delivery by its event, and tells of the batch nothing at all: whoever wants its status has to ask."""
    outcome = arrived(event(name))

    assert outcome == Verified(Identity("batch", "batch_abc123", name), Report(name, "evt_1"), 0, NOW)
    assert DIALECT.read_report(json.loads(event(name))) == Report(name, "evt_1")
    assert DIALECT.read_pushed(json.loads(event(name))) is None


def test_another_event_id_is_the_same_delivery() -> None:
    """The same end told under another event id or message id is a further receipt of one delivery."""
    assert identity(event(id="evt_2")) == identity(event(id="evt_1"))


def test_another_secret() -> None:
    """What was signed with another secret is refused."""
    assert arrived(event(), b"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=") == Refused(
        RefusalReason.SIGNATURE_WRONG
    )


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        ("response.completed", {"id": "resp_1"}, Identity("response", "resp_1", "response.completed:evt_1")),
        (
            "fine_tuning.job.succeeded",
            {"id": "ftjob_1"},
            Identity("fine_tuning.job", "ftjob_1", "fine_tuning.job.succeeded:evt_1"),
        ),
        ("eval.run.canceled", {"id": "evalrun_1"}, Identity("eval.run", "evalrun_1", "eval.run.canceled:evt_1")),
        (
            "realtime.call.incoming",
            {"call_id": "rtc_1"},
            Identity("realtime.call", "evt_1", "realtime.call.incoming:evt_1"),
        ),
        ("video.completed", None, Identity("video", "batch_abc123", "video.completed:evt_1")),
        ("tomorrows.thing", [], Identity("tomorrows", "evt_1", "tomorrows.thing:evt_1")),
        ("batch.archived", {"id": "batch_1"}, Identity("batch", "batch_1", "batch.archived")),
    ],
)
def test_events_of_other_things(type_: str, data: Any, expected: Identity) -> None:
    """They are recorded under the object that they are about, or under themselves; no such thing is a job that we ask about."""
    assert identity(event(type_, data)) == expected
    assert (expected.kind in DIALECT.kinds) == (type_ == "batch.archived")


def test_every_event_of_the_sdk_is_recorded() -> None:
    """Each event that the SDK has a class for names a delivery, and those of batches are those that we listen for."""
    union = get_args(get_args(UnwrapWebhookEvent)[0])
    names = [get_args(one.model_fields["type"].annotation)[0] for one in union]

    assert len(names) > 20
    assert all(isinstance(identity(event(name)), Identity) for name in names)
    assert {name for name in names if name.startswith("batch.")} == set(BATCH_EVENTS)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff{}", "not UTF-8"),
        (b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b"{}", "type is missing"),
        (event("ping"), "type is missing"),
        (event(7), "type is missing"),
        (event("x" * 33 + ".y"), "type is missing"),
        (event("batch.completed", {}), "data.id is missing"),
        (event("batch.completed", []), "data.id is missing"),
        (event("batch.completed", {"id": "a b"}), "data.id is missing"),
        (event("batch.completed", {"id": 5}), "data.id is missing"),
        (event("response.completed", {"id": 5}), "data.id is missing"),
        (event("tomorrows.thing", {}, id=None), "data.id is missing"),
        (event("tomorrows.thing", id="a b"), "type or id is too long"),
        (event("batch." + "x" * 300), "type or id is too long"),
        (event("batch.com pleted"), "type or id is too long"),
    ],
)
def test_authentic_and_unreadable(body: bytes, why: str) -> None:
    """What is authentic and cannot be read is taken, with what is wrong with it."""
    outcome = arrived(body)

    assert isinstance(outcome, Verified)
    assert outcome.identity is None
    assert why in (outcome.unreadable or "")


@pytest.mark.parametrize(
    ("status", "event_"),
    [
        (Status.COMPLETED, "batch.completed"),
        (Status.FAILED, "batch.failed"),
        (Status.CANCELLED, "batch.cancelled"),
        (Status.EXPIRED, "batch.expired"),
    ],
)
def test_what_an_end_should_bring(status: Status, event_: str) -> None:
    """Each end has its one event, however its rows fared, and it is expected by whoever listens for it."""
    ended = Ended("batch", status, RowCounts(3, 0, 3), None)

    assert DIALECT.expected(ended, BATCH_EVENTS) == (Expected((event_,)),)
    assert DIALECT.expected(ended, [one for one in BATCH_EVENTS if one != event_]) == ()


def test_an_open_batch_should_bring_nothing() -> None:
    """Nothing is told of a batch before its end."""
    assert DIALECT.expected(Ended("batch", Status.RUNNING, RowCounts(), None), BATCH_EVENTS) == ()


def test_a_delivery_made_by_hand() -> None:
    """The same body signed twice is the same message; the SDK's class takes it for the event that it is."""
    body = DIALECT.sample("batch.expired", "batch_abc123", "expired", "https://api.openai.com/v1", NOW)
    first, later = DIALECT.sign(SECRET, body, NOW), DIALECT.sign(SECRET, body, NOW + 60 * SECOND)

    assert dict(first.headers)["webhook-id"] == dict(later.headers)["webhook-id"]
    assert dict(first.headers)["webhook-signature"] != dict(later.headers)["webhook-signature"]
    (model,) = [one for one in get_args(get_args(UnwrapWebhookEvent)[0]) if one.__name__ == "BatchExpiredWebhookEvent"]
    assert model.model_validate_json(body).data.id == "batch_abc123"


def test_coverage() -> None:
    """Names of events stand for themselves."""
    assert DIALECT.coverage(["batch.completed", "response.failed"], BATCH_EVENTS[:2]) == Coverage(
        missing=("batch.failed",), superfluous=("response.failed",)
    )
