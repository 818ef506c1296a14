"""The standard dialect: what is authentic, which delivery it is, and what it reports."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.dialects.standard import Standard
from schemas.dialects.standard.options import Options
from schemas.readings import Ended, Expected, Identity, Refused, Report, RowCounts, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason, Status

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "standard_webhooks_vectors.json").read_text())
WORDS = {"succeeded": "completed", "failed": "failed", "canceled": "cancelled", "processing": "running"}
SECRET = VECTORS[1]["secret"].encode()
NOW = 1_781_166_600 * SECOND
MESSAGE = "msg_of_this_body"


def dialect(**options: Any) -> Standard:
    return Standard("runs", Options(**{"status_url": "/v1/{job}", "words": WORDS, **options}))


def heard(body: Any, **options: Any) -> Verified:
    """What an authentic request with this body is taken for; anything but bytes goes as JSON."""
    one, content = dialect(**options), body if isinstance(body, bytes) else json.dumps(body).encode()
    request = one.sign(SECRET, content, NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    outcome = one.verify(headers, content, [SECRET], 300 * SECOND, NOW)
    assert isinstance(outcome, Verified)
    return outcome


def fields(vector: dict[str, Any], prefix: str = "webhook") -> list[tuple[bytes, bytes]]:
    names = ("id", "timestamp", "signature")
    return [(f"{prefix}-{name}".encode(), vector[name].encode()) for name in names]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_contracts_vectors(vector: dict[str, Any]) -> None:
    """What the contract's vectors sign is authentic for their secret, under either family of headers where Svix sends."""
    body, at = vector["body"].encode(), int(vector["timestamp"]) * SECOND
    secrets = [b"whsec_b3RoZXIgc2VjcmV0IG9mIGl0", vector["secret"].encode()]

    for options, prefix in (
        ({}, "webhook"),
        ({"header_prefix": "svix"}, "svix"),
        ({"header_prefix": "svix"}, "webhook"),
    ):
        outcome = dialect(**options).verify(fields(vector, prefix), body, secrets, 300 * SECOND, at)
        assert isinstance(outcome, Verified)
        assert (outcome.secret_index, outcome.signed_at) == (1, at)
    refused = dialect().verify(fields(vector), body, secrets[:1], 300 * SECOND, at)
    assert refused == Refused(RefusalReason.SIGNATURE_WRONG)
    assert dialect().verify(fields(vector, "svix"), body, secrets, 300 * SECOND, at) == Refused(
        RefusalReason.SIGNATURE_MISSING
    )


# The contract's own: vector 2 signed with the secret read as a text, prefix included. Under base64 it has to be refused.
AS_TEXT = VECTORS[1] | {"signature": "v1,S0rfUVfAhb0gSuY3UUhY5ed781SNPetX3441EBytqng="}


def test_how_a_secret_makes_the_key() -> None:
    """Base64 after whsec_, or the whole text: one signature is good under one reading, and under no other."""
    body = AS_TEXT["body"].encode()
    in_base64, as_text = dialect(), dialect(secret="text")

    assert isinstance(as_text.verify(fields(AS_TEXT), body, [SECRET], 0, NOW), Verified)
    assert in_base64.verify(fields(AS_TEXT), body, [SECRET], 0, NOW) == Refused(RefusalReason.SIGNATURE_WRONG)
    assert isinstance(in_base64.verify(fields(VECTORS[1]), body, [SECRET], 0, NOW), Verified)
    assert as_text.verify(fields(VECTORS[1]), body, [SECRET], 0, NOW) == Refused(RefusalReason.SIGNATURE_WRONG)


def test_a_text_signs_by_hand_too() -> None:
    """What `sign` makes with a secret that is no base64 is taken by a source that reads secrets so."""
    one, secret = dialect(secret="text"), b"no base64 at all: \xc3\xa9"
    request = one.sign(secret, b'{"data": {"id": "t_1"}}', NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]

    assert isinstance(one.verify(headers, request.body, [secret], 0, NOW), Verified)


def test_a_thin_event() -> None:
    """Without a path to a status nothing is reported of it, whatever the event is called; the message id names the delivery."""
    outcome = heard({"type": "task.completed", "data": {"id": "t_1", "status": "succeeded"}})

    assert outcome.identity is not None
    assert outcome.identity.delivery_key.startswith("msg_")
    assert (outcome.identity.kind, outcome.identity.job_id) == ("job", "t_1")
    assert outcome.report == Report(event_type="task.completed")


def test_an_expected_event_names_its_delivery() -> None:
    """An event that tells an end is the key of its delivery; every other goes by its message id, for it may happen again."""
    ends = {"task.completed": "completed", "task.failed": "failed"}

    assert heard({"type": "task.failed", "data": {"id": "t_1"}}, expected_events=ends).identity == Identity(
        "job", "t_1", "task.failed"
    )
    progress = heard({"type": "task.progress", "data": {"id": "t_1"}}, expected_events=ends).identity
    assert progress is not None
    assert progress.delivery_key.startswith("msg_")


def test_a_body_that_is_the_job_itself() -> None:
    """As Replicate sends it: no envelope and no event, and the status word stands for one."""
    ends = {"succeeded": "completed", "failed": "failed", "canceled": "cancelled"}
    options = {"job": "id", "event": "status", "status": "status", "kind": "prediction", "expected_events": ends}
    outcome = heard({"id": "gm3qorzdhgbfurvjtvhg6dckhu", "status": "succeeded", "output": ["https://x"]}, **options)

    assert outcome.identity == Identity("prediction", "gm3qorzdhgbfurvjtvhg6dckhu", "succeeded")
    assert outcome.report == Report(event_type="succeeded", status=Status.COMPLETED, native_status="succeeded")


@pytest.mark.parametrize(
    ("data", "status", "native"),
    [
        ({"status": "Succeeded"}, Status.COMPLETED, "Succeeded"),
        ({"status": "processing"}, Status.RUNNING, "processing"),
        ({"status": "aborted"}, None, "aborted"),
        ({"status": 200}, None, None),
        ({"status": None}, None, None),
        ({"status": {"word": "succeeded"}}, None, None),
        ({"status": "a\u202eb"}, None, "a\\u202eb"),
        ({}, None, None),
    ],
)
def test_reports(data: dict[str, Any], status: Status | None, native: str | None) -> None:
    """A word of the table tells a status. Any other is shown and tells none, and what is no word is not even shown."""
    outcome = heard({"type": 7, "data": {"id": 12, **data}}, status="data.status")

    assert outcome.identity is not None
    assert outcome.identity.job_id == "12"
    assert outcome.report == Report(status=status, native_status=native)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff", "not UTF-8"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" * 100_000, "nested too deep"),
        (b"{}", "no usable id of a job stands at data.id"),
        (b'{"data": "t_1"}', "no usable id of a job stands at data.id"),
        (b'{"data": {"id": null}}', "no usable id of a job stands at data.id"),
        (b'{"data": {"id": ".."}}', "no usable id of a job stands at data.id"),
        (b'{"data": {"id": 1.5}}', "no usable id of a job stands at data.id"),
        (b'{"data": {"id": 123456789012345678901234567890}}', "no usable id of a job stands at data.id"),
        ('{"data": {"id": "ü"}}'.encode(), "no usable id of a job stands at data.id"),
    ],
)
def test_unreadable_bodies(body: bytes, why: str) -> None:
    """What is authentic and names no job is said to be unreadable, and why."""
    outcome = heard(body)

    assert (outcome.identity, outcome.unreadable) == (None, why)


def ended(status: Status, kind: str = "job") -> Ended:
    return Ended(kind, status, RowCounts(), None, writes_files=False, job_id="t_1")


def test_expectations() -> None:
    """An end calls for one delivery, by any event that tells it and is listened for. Without such events none is expected."""
    ends = {"task.failed": "failed", "task.crashed": "failed", "task.done": "completed"}
    one, listened = dialect(expected_events=ends), list(ends)

    assert one.expected(ended(Status.FAILED), listened) == (Expected(("task.failed", "task.crashed")),)
    assert one.expected(ended(Status.FAILED), ["task.crashed"]) == (Expected(("task.crashed",)),)
    assert one.expected(ended(Status.COMPLETED), ["task.failed"]) == ()
    assert one.expected(ended(Status.CANCELLED), listened) == ()
    assert one.expected(ended(Status.RUNNING), listened) == ()
    assert one.expected(ended(Status.FAILED, "other"), listened) == ()
    assert dialect().expected(ended(Status.FAILED), listened) == ()
