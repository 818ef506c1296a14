"""Phaseo's webhook bodies: what an authentic one says, and that an unreadable one is kept and never raises."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Identity, Report, Verified
from schemas.strict_json import NotStrictJson, parse_object
from schemas.times import SECOND
from schemas.words import Status

SECRET = b"whsec_4f2b9c7d1e8a6350"
NOW = 1_786_500_000 * SECOND
DELIVERY = {"key": "batch.completed", "attempt": 2, "max_attempts": 4}
DATA = {"id": "batch_1", "object": "batch", "kind": "batch", "status": "completed", "progress": 100}
LONGEST = "x" * 256

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["completed", "batch", "k"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def arrive(body: bytes) -> Verified:
    """The outcome of an authentic and fresh request with this body."""
    signature = hmac.new(SECRET, b"1786500000." + body, hashlib.sha256).hexdigest().encode()
    headers = [(b"x-phaseo-timestamp", b"1786500000"), (b"x-phaseo-signature", signature)]
    outcome = Phaseo().verify(headers, body, [SECRET], 300 * SECOND, NOW)
    assert isinstance(outcome, Verified)
    return outcome


def told(**data: Any) -> Verified:
    """The outcome of a request whose `data` differs in these members."""
    return arrive(json.dumps({"type": "batch.completed", "delivery": DELIVERY, "data": DATA | data}).encode())


def test_everything_told() -> None:
    """Identity comes from kind, id and key; the report holds the rest that decides or is shown."""
    body = {"id": "evt_1", "type": "batch.completed", "created_at": 1, "delivery": DELIVERY, "data": DATA, "new": {}}

    assert arrive(json.dumps(body).encode()) == Verified(
        Identity("batch", "batch_1", "batch.completed"),
        Report("batch.completed", "evt_1", 2, Status.COMPLETED, "completed", 100),
        secret_index=0,
        signed_at=NOW,
    )


def test_least_told() -> None:
    """A thin event, with no more than an identity, is readable and reports nothing."""
    outcome = arrive(b'{"delivery":{"key":"k"},"data":{"id":"batch_1","object":"batch"}}')

    assert (outcome.identity, outcome.report, outcome.unreadable) == (Identity("batch", "batch_1", "k"), Report(), None)


@pytest.mark.parametrize(
    ("kind", "obj", "read"),
    [
        ("batch", "batch", "batch"),
        ("video", "batch", "video"),
        (None, "batch", "batch"),
        (7, "video", "video"),
        ("K" * 32, 0, "K" * 32),
    ],
)
def test_kind(kind: Any, obj: Any, read: str) -> None:
    """The kind is `data.kind`, and where that is no text, `data.object`. Kinds that nobody can ask about are kept as well."""
    outcome = told(kind=kind, object=obj)

    assert outcome.identity == Identity(read, "batch_1", "batch.completed")


@pytest.mark.parametrize(
    "job_id", ["a", LONGEST, "a/b", "a%2fb", "a?b#c", "'\"\\", "...", "batch_01K2", "-", "A", "a:b"]
)
def test_odd_ids(job_id: str) -> None:
    """A job id is compared as it is: no letter is changed, no escape is read."""
    outcome = told(id=job_id)

    assert outcome.identity == Identity("batch", job_id, "batch.completed")


UNREADABLE_IDS: list[Any] = [
    None,
    7,
    True,
    [],
    {},
    "",
    " ",
    "a b",
    "a\n",
    "a\x00",
    "\x7f",
    "é",
    "e\u0301",
    "🚦",
    LONGEST + "x",
    "x" * 12_000,
]


@pytest.mark.parametrize("job_id", [*UNREADABLE_IDS, ".", ".."], ids=lambda value: repr(value)[:20])
def test_unreadable_ids(job_id: Any) -> None:
    """A job id that is missing, overlong, blank, not ASCII or a step of a path cannot be read; the request stays authentic."""
    outcome = told(id=job_id)

    assert (outcome.identity, outcome.report) == (None, Report())
    assert outcome.unreadable == "data.id is missing, too long, or not printable ASCII"


@pytest.mark.parametrize("key", UNREADABLE_IDS, ids=lambda value: repr(value)[:20])
def test_unreadable_keys(key: Any) -> None:
    """Nor can a delivery key that is missing, overlong, blank or not ASCII."""
    outcome = arrive(json.dumps({"delivery": {"key": key}, "data": DATA}).encode())

    assert outcome.identity is None
    assert outcome.unreadable == "delivery.key is missing, too long, or not printable ASCII"


@pytest.mark.parametrize("kind", ["", " ", "a b", "é", "x" * 33])
def test_unreadable_kinds(kind: str) -> None:
    """Nor can such a kind, whatever `data.object` says."""
    assert told(kind=kind).unreadable == "data.kind is missing, too long, or not printable ASCII"


@pytest.mark.parametrize(
    ("event", "kind"),
    [("batch.completed", "batch"), ("video.failed", "video"), ("job.failed", None), ("completed", None), (7, None)],
)
def test_a_kind_that_only_the_event_tells(event: Any, kind: str | None) -> None:
    """Where the object has no word for its kind, the event's name tells it; and else there is none."""
    body = {"type": event, "delivery": DELIVERY, "data": {**DATA, "kind": None, "object": None}}
    outcome = arrive(json.dumps(body).encode())

    assert outcome.identity == (Identity(kind, "batch_1", "batch.completed") if kind else None)


def g1a(event: Any, **members: Any) -> Verified:
    """The outcome of a body of the first generation, which has neither an id nor a delivery."""
    data = {name: value for name, value in DATA.items() if name != "progress"} | members.pop("data", {})
    return arrive(json.dumps({"type": event, "created_at": 1_786_500_000, "data": data, **members}).encode())


@pytest.mark.parametrize(
    ("event", "data", "key"),
    [
        ("batch.completed", {}, "batch.completed"),
        ("batch.created", {"status": "validating"}, "batch.created"),
        ("batch.failed", {"status": "failed"}, "batch.failed"),
        ("video.progress", {"kind": "video", "progress": 4.5}, "video.progress:10"),
        ("batch.progress", {"progress": 99.6}, "batch.progress:95"),
        ("batch.exploded", {}, "batch.exploded"),
    ],
)
def test_a_key_that_only_the_event_tells(event: str, data: dict[str, Any], key: str) -> None:
    """A body without `delivery` gets the key that the later generations would have given it: event, and bucket of progress."""
    outcome = g1a(event, data=data)

    assert outcome.identity == Identity(data.get("kind", "batch"), "batch_1", key)
    assert (outcome.report.event_id, outcome.report.attempt) == (None, None)


def test_a_change_without_a_key() -> None:
    """A change of status is told by what changed; a side that is missing is written as the gateway writes it."""
    change = {"previous_status": "Queued", "status": "in_progress"}

    assert g1a("video.status_changed", status_change=change).identity == Identity(
        "batch", "batch_1", "video.status_changed:queued:in_progress"
    )
    assert g1a("video.status_changed").identity == Identity("batch", "batch_1", "video.status_changed:unknown:unknown")


@pytest.mark.parametrize("progress", [None, 0, 100, -3, "50", True])
def test_a_progress_without_a_bucket(progress: Any) -> None:
    """Progress for which there is no bucket names no delivery, and so does an event without a name."""
    assert g1a("batch.progress", data={"progress": progress}).unreadable is not None
    assert g1a(None).unreadable is not None


def test_first_generation_without_lifecycle() -> None:
    """The native word alone is enough, in either spelling; a lifecycle that says otherwise does not count."""
    assert g1a("batch.cancelled", data={"status": "canceled"}).report.status is Status.CANCELLED
    assert g1a("batch.cancelled", data={"status": "canceled", "lifecycle_status": "pending"}).report.status is (
        Status.CANCELLED
    )


@pytest.mark.parametrize("data", [{"kind": "video"}, {"object": "video"}, {}, {"kind": 7, "object": "video"}])
def test_both_readers_take_it_for_the_same_kind(data: dict[str, Any]) -> None:
    """Wherever the kind stands, the quick reader and the strict one read the same status: that of a video here."""
    body = {"type": "video.completed", "delivery": DELIVERY, "data": {"id": "v1", "status": "succeeded", **data}}
    quick, strict = arrive(json.dumps(body).encode()), Phaseo().read_report(body)

    assert quick.identity == Identity("video", "v1", "batch.completed")
    assert quick.report == strict
    assert strict.status is Status.COMPLETED


@pytest.mark.parametrize("word", ["completed", "succeeded", "success"])
def test_words_of_videos(word: str) -> None:
    """A video has words of its own for its end; on a batch nobody has explained them."""
    assert told(kind="video", status=word).report.status is Status.COMPLETED
    assert told(kind="batch", status=word, lifecycle_status=None).report.status is (
        Status.COMPLETED if word == "completed" else None
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\x00",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"batch"',
        b"0",
        b"{}",
        b'{"data":{"id":"a","kind":"batch"}}',
        b'{"delivery":{"key":"k"}}',
        b'{"delivery":null,"data":{"id":"a","kind":"batch"}}',
        b'{"delivery":[],"data":{"id":"a","kind":"batch"}}',
        b'{"delivery":"k","data":{"id":"a","kind":"batch"}}',
        b'{"delivery":{"key":"k"},"data":null}',
        b'{"delivery":{"key":"k"},"data":[{"id":"a","kind":"batch"}]}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}} x',
        b'[{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}}]',
        b'\xef\xbb\xbf{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"},"x":"\xff"}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"},"x":"\xed\xa0\x80"}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"},"x":NaN}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch","status":"\\ud800"}}',
        b"delivery=k&data=a",
        b"<html></html>",
        '{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}}'.encode("utf-16"),
        '{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}}'.encode("utf-16-be"),
        '{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"}}'.encode("utf-32"),
        '{"delivery":{"key":"ké"},"data":{"id":"a","kind":"batch"}}'.encode("latin-1"),
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch","progress":1e999}}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch","progress":' + b"9" * 5000 + b"}}",
        b'{"delivery":{"key":"k"},"data":{"id":' + b"9" * 5000 + b',"kind":"batch"}}',
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch","status":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch","new":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_002,
        b"[" * 1_000_000,
    ],
    ids=lambda body: repr(body[-30:]),
)
def test_unreadable_bodies(body: bytes) -> None:
    """An authentic body that is no readable object with a delivery and a job is kept with a reason, and never raises."""
    outcome = arrive(body)

    assert (outcome.identity, outcome.report, outcome.secret_index, outcome.signed_at) == (None, Report(), 0, NOW)
    assert outcome.unreadable


@pytest.mark.parametrize(
    "body",
    [
        b'{"delivery":{"key":"k"},"data":{"id":"a","kind":"batch"},"new":"' + b"x" * 1_000_000 + b'"}',
        b'{"delivery":{"key":"k"},"new":{'
        + b",".join(b'"%d":0' % n for n in range(100_000))
        + b'},"data":{"id":"a","kind":"batch"}}',
        b'{"delivery":{"key":"k","attempt":'
        + b"9" * 400
        + b'},"data":{"id":"a","kind":"batch","progress":'
        + b"9" * 400
        + b"}}",
    ],
    ids=["text", "members", "integers"],
)
def test_huge_members(body: bytes) -> None:
    """Huge members beside the identity are no hindrance."""
    assert arrive(body).identity == Identity("batch", "a", "k")


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        (0, 0),
        (37, 37),
        (37.4, 37),
        (100, 100),
        (101, 100),
        (-1, 0),
        (10**20, 100),
        (-(10**20), 0),
        (10**400, 100),
        (None, None),
        (True, None),
        ("37", None),
        ([37], None),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_progress(value: Any, progress: int | None) -> None:
    """Progress is a number held within 0 to 100, however large it is said to be."""
    assert told(progress=value).report.progress == progress


@pytest.mark.parametrize(
    ("attempt", "read"),
    [
        (1, 1),
        (4, 4),
        (0, 0),
        (999_999, 999_999),
        (-1, None),
        (10**6, None),
        (10**30, None),
        (1.0, None),
        ("1", None),
        (True, None),
    ],
)
def test_attempt(attempt: Any, read: int | None) -> None:
    """An attempt is a small whole number, or unknown."""
    body = json.dumps({"delivery": {"key": "k", "attempt": attempt}, "data": DATA}).encode()

    assert arrive(body).report.attempt == read


def test_shown_texts_are_made_safe() -> None:
    """Event id, type and native word are bounded, and no control character of theirs reaches a terminal."""
    body = {"id": "x" * 10_000, "type": "a\x1b[31m", "delivery": {"key": "k"}, "data": DATA | {"status": "\u202eword"}}
    report = arrive(json.dumps(body).encode()).report

    assert (report.event_id, report.event_type, report.native_status) == ("x" * 256, "a\\x1b[31m", "\\u202eword")


@pytest.mark.parametrize(
    ("event_type", "status", "read"),
    [
        ("batch.completed", "failed", Status.FAILED),
        ("batch.failed", "expired", Status.EXPIRED),
        ("batch.failed", "completed", Status.COMPLETED),
        ("batch.created", "completed", Status.COMPLETED),
        ("batch.completed", "in_progress", Status.RUNNING),
        ("batch.cancelled", "pending", Status.PENDING),
        ("batch.completed", "winding_down", None),
        ("batch.completed", None, None),
        ("batch.exploded", "completed", Status.COMPLETED),
        (None, "completed", Status.COMPLETED),
    ],
)
def test_status_is_not_the_event(event_type: str | None, status: str | None, read: Status | None) -> None:
    """The status is what the job's data say, whatever the event is called; an unknown event is read like any other."""
    body = {"type": event_type, "delivery": DELIVERY, "data": {"id": "batch_1", "kind": "batch", "status": status}}
    report = arrive(json.dumps(body).encode()).report

    assert (report.status, report.event_type, report.native_status) == (read, event_type, status)


def test_completed_batches_share_their_key() -> None:
    """Every completed batch has the same delivery key: only with its job's id does it name a delivery."""
    one, other = told(id="batch_1").identity, told(id="batch_2").identity

    assert one is not None
    assert other is not None
    assert one.delivery_key == other.delivery_key
    assert one != other


def test_attempts_of_one_delivery() -> None:
    """A retry with a later attempt and newer content is the same delivery with another report."""
    first = arrive(
        json.dumps({"delivery": {"key": "batch.created", "attempt": 1}, "data": DATA | {"status": "pending"}}).encode()
    )
    second = arrive(json.dumps({"delivery": {"key": "batch.created", "attempt": 2}, "data": DATA}).encode())

    assert first.identity == second.identity
    assert (first.report.status, second.report.status) == (Status.PENDING, Status.COMPLETED)


@settings(deadline=None, max_examples=300)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": ANYTHING,
            "type": ANYTHING,
            "created_at": ANYTHING,
            "delivery": ANYTHING
            | st.fixed_dictionaries({}, optional={"key": ANYTHING, "attempt": ANYTHING, "max_attempts": ANYTHING}),
            "data": ANYTHING
            | st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(("id", "kind", "object", "status", "lifecycle_status", "progress"), ANYTHING),
            ),
        },
    )
)
def test_any_members(body: dict[str, Any]) -> None:
    """Whatever values the members have, the request is authentic, and either identified or unreadable."""
    outcome = arrive(json.dumps(body).encode())

    assert (outcome.identity is None) == (outcome.unreadable is not None)


@settings(deadline=None)
@given(st.binary() | st.text(alphabet='{}[]":,\\u0dDeE1-+.aN ', max_size=40).map(str.encode))
def test_any_bytes(body: bytes) -> None:
    """Authentic bytes of any kind are kept and never raise."""
    outcome = arrive(body)

    assert outcome.identity is None
    assert outcome.unreadable


@settings(deadline=None, max_examples=300)
@given(
    st.fixed_dictionaries(
        {"key": st.just("k")}, optional={"attempt": ANYTHING, "max_attempts": ANYTHING, "new": ANYTHING}
    ),
    st.fixed_dictionaries(
        {"id": st.just("batch_1"), "kind": st.just("batch")},
        optional={
            "status": ANYTHING | st.sampled_from(list(Status)),
            "lifecycle_status": ANYTHING | st.sampled_from(list(Status)),
            "progress": ANYTHING,
        },
    ),
    ANYTHING,
)
def test_both_readers_agree(delivery: dict[str, Any], data: dict[str, Any], event_type: Any) -> None:
    """The receiver's quick reader and the judge's strict one report the same of every body that both can read."""
    body = json.dumps({"type": event_type, "delivery": delivery, "data": data}).encode()
    quick = arrive(body)
    try:
        document = parse_object(body)
    except NotStrictJson:
        return

    assert quick.unreadable is None
    assert quick.report == Phaseo().read_report(document)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "type", "delivery", "data"]) | st.text(), ANYTHING))
def test_reports_of_anything(document: dict[str, Any]) -> None:
    """A report is made of any object, though it may say nothing."""
    assert isinstance(Phaseo().read_report(document), Report)
