"""Phaseo's webhook bodies of every generation (contract 4.5, 4.6): who the delivery is, and what it says of its job.

The receiver reads only these few fields, quickly. The judge reads the whole body again, strictly.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.dialects.phaseo.objects import read_object
from schemas.dialects.phaseo.status import progress_bucket, read_progress, read_status
from schemas.identity import is_delivery_key, is_job_id, is_kind
from schemas.readings import Identity, Observation, Report
from schemas.texts import clean


class _Delivery(msgspec.Struct):
    key: Any = None
    attempt: Any = None
    max_attempts: Any = None


class _Data(msgspec.Struct):
    id: Any = None
    kind: Any = None
    object: Any = None
    status: Any = None
    lifecycle_status: Any = None
    progress: Any = None


class _Change(msgspec.Struct):
    previous_status: Any = None
    status: Any = None


class _Body(msgspec.Struct):
    data: _Data
    delivery: _Delivery | None = None  # G1a has none
    id: Any = None
    type: Any = None
    status_change: _Change | None = None


_decoder = msgspec.json.Decoder(_Body)

HINTS = frozenset({b"event-id", b"event-type", b"delivery-key", b"attempt", b"max-attempts"})
"""The header fields that may repeat a body, without their prefix."""


class Push(NamedTuple):
    """A readable body. `hints` are the header fields that repeat it, unsigned, by their lower-case names without a prefix."""

    identity: Identity
    report: Report
    hints: Mapping[bytes, str]


def read_push(body: bytes) -> Push | str:
    """Read a signed body, or say in a few words why it cannot be read."""
    try:
        body.decode("utf-8")
        read = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _reason(error)
    kind = _kind(read.data.kind, read.data.object, read.type)
    if kind is None or not is_kind(kind):
        return "data.kind is missing, too long, or not printable ASCII"
    if not isinstance(read.data.id, str) or not is_job_id(read.data.id):
        return "data.id is missing, too long, or not printable ASCII"
    key = _derived_key(read) if read.delivery is None else read.delivery.key
    if not isinstance(key, str) or not is_delivery_key(key):
        return "delivery.key is missing, too long, or not printable ASCII"
    attempt = read.delivery.attempt if read.delivery else None
    report = _report(read.type, read.id, attempt, kind, msgspec.structs.asdict(read.data))
    return Push(Identity(kind, read.data.id, key), report, _hints(read))


def _kind(kind: Any, object_word: Any, event_type: Any) -> str | None:
    """The object's own word, or the subject of the event where the object has none: `batch.completed` is about a batch."""
    if isinstance(kind, str):
        return kind
    if isinstance(object_word, str):
        return object_word
    subject = event_type.partition(".")[0] if isinstance(event_type, str) else ""
    return subject if subject in ("batch", "video") else None


def _derived_key(read: _Body) -> str | None:
    """The key that a body without `delivery` would have had (contract 4.6); None where it cannot be told."""
    if not isinstance(read.type, str):
        return None
    match read.type.rpartition(".")[2]:
        case "progress":
            bucket = progress_bucket(read.data.progress)
            return None if bucket is None else f"{read.type}:{bucket}"
        case "status_changed":
            change = read.status_change or _Change()
            said = (change.previous_status, change.status)
            words = [word.lower() if isinstance(word, str) and word else "unknown" for word in said]
            return ":".join([read.type, *words])
        case _:
            return read.type


def read_report(document: Mapping[str, Any]) -> Report:
    """The same report from a strictly parsed body, which may lack anything."""
    delivery, data = (_object(document.get(name)) for name in ("delivery", "data"))
    kind = _kind_of(document, data)
    return _report(document.get("type"), document.get("id"), delivery.get("attempt"), kind, data)


def _kind_of(document: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
    return _kind(data.get("kind"), data.get("object"), document.get("type"))


def read_pushed(document: Mapping[str, Any]) -> Observation | None:
    """The job as a strictly parsed body shows it."""
    data = _object(document.get("data"))
    read = read_object(data, _kind_of(document, data) or "batch")
    return read if isinstance(read, Observation) else None


def _report(event_type: Any, event_id: Any, attempt: Any, kind: str | None, data: Mapping[str, Any]) -> Report:
    native = data.get("status")
    return Report(
        event_type=_text(event_type),
        event_id=_text(event_id),
        attempt=attempt if _is_small(attempt) else None,
        status=read_status(native, data.get("lifecycle_status"), kind),
        native_status=_text(native),
        progress=read_progress(data.get("progress")),
    )


def _hints(read: _Body) -> dict[bytes, str]:
    delivery = read.delivery or _Delivery()
    said = {
        b"event-id": read.id,
        b"event-type": read.type,
        b"delivery-key": delivery.key,
        b"attempt": delivery.attempt,
        b"max-attempts": delivery.max_attempts,
    }
    return {name: str(value) for name, value in said.items() if isinstance(value, str) or _is_small(value)}


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deep"
    return "not a JSON object with data"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_small(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000


def _text(value: Any) -> str | None:
    return clean(value, 256) if isinstance(value, str) else None
