"""Phaseo's webhook bodies (contract 4.5, 4.6): who the delivery is, and what it says of its job.

The receiver reads only these few fields, quickly. The judge reads the whole body again, strictly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.dialects.phaseo.status import read_progress, read_status
from schemas.identity import is_delivery_key, is_job_id, is_kind
from schemas.readings import Identity, Report
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


class _Body(msgspec.Struct):
    delivery: _Delivery
    data: _Data
    id: Any = None
    type: Any = None


_decoder = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Push:
    """A readable body. `hints` are the header fields that repeat it, unsigned, by their lower-case names."""

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
    kind = read.data.kind if isinstance(read.data.kind, str) else read.data.object
    if not isinstance(kind, str) or not is_kind(kind):
        return "data.kind is missing, too long, or not printable ASCII"
    if not isinstance(read.data.id, str) or not is_job_id(read.data.id):
        return "data.id is missing, too long, or not printable ASCII"
    if not isinstance(read.delivery.key, str) or not is_delivery_key(read.delivery.key):
        return "delivery.key is missing, too long, or not printable ASCII"
    report = _report(read.type, read.id, read.delivery.attempt, msgspec.structs.asdict(read.data))
    return Push(Identity(kind, read.data.id, read.delivery.key), report, _hints(read))


def read_report(document: Mapping[str, Any]) -> Report:
    """The same report from a strictly parsed body, which may lack anything."""
    delivery, data = (_object(document.get(name)) for name in ("delivery", "data"))
    return _report(document.get("type"), document.get("id"), delivery.get("attempt"), data)


def _report(event_type: Any, event_id: Any, attempt: Any, data: Mapping[str, Any]) -> Report:
    native = data.get("status")
    return Report(
        event_type=_text(event_type),
        event_id=_text(event_id),
        attempt=attempt if _is_small(attempt) else None,
        status=read_status(native, data.get("lifecycle_status")),
        native_status=_text(native),
        progress=read_progress(data.get("progress")),
    )


def _hints(read: _Body) -> dict[bytes, str]:
    said = {
        b"x-phaseo-event-id": read.id,
        b"x-phaseo-event-type": read.type,
        b"x-phaseo-delivery-key": read.delivery.key,
        b"x-phaseo-attempt": read.delivery.attempt,
        b"x-phaseo-max-attempts": read.delivery.max_attempts,
    }
    return {name: str(value) for name, value in said.items() if isinstance(value, str) or _is_small(value)}


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deep"
    return "not a JSON object with delivery and data"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_small(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000


def _text(value: Any) -> str | None:
    return clean(value, 256) if isinstance(value, str) else None
