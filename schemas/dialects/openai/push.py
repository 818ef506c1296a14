"""OpenAI's webhook bodies (contract 1 and 2; `types/webhooks` of the SDK): thin, an event's name and the id of what it is about.

No status is read from the name of an event (contract, note 4): a report tells none, and so the judge has the provider asked.

A delivery of a batch is named by its event: a batch ends once, and each end has one event, so this is the key under which the
delivery can be expected before it came. The signed `webhook-id` could not be foretold; it differs where an account has two
endpoints, and would make two deliveries of one. The same event sent again is a further receipt either way. Other objects tell
some events again and again; their key has the event's own id as well.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.dialects.openai.objects import KIND
from schemas.identity import is_delivery_key, is_job_id, is_kind
from schemas.readings import Identity, Report
from schemas.texts import clean


class _Body(msgspec.Struct):
    id: Any = None
    type: Any = None
    data: Any = None


_decoder = msgspec.json.Decoder(_Body)


class Push(NamedTuple):
    """A readable body."""

    identity: Identity
    report: Report


def read_push(body: bytes) -> Push | str:
    """Read a signed body, or say in a few words why it cannot be read."""
    try:
        body.decode("utf-8")
        read = _decoder.decode(body)
    except UnicodeDecodeError:
        return "not UTF-8"
    except RecursionError:
        return "nested too deep"
    except msgspec.DecodeError:
        return "not a JSON object"
    kind = read.type.rpartition(".")[0] if isinstance(read.type, str) else ""
    if not is_kind(kind):
        return "type is missing, too long, or not an object's name, a full stop and an event"
    job_id = _subject(kind, read)
    if job_id is None:
        return "data.id is missing, too long, or not printable ASCII"
    key = read.type if kind == KIND or not isinstance(read.id, str) else f"{read.type}:{read.id}"
    if not is_delivery_key(key):
        return "type or id is too long, or not printable ASCII"
    return Push(Identity(kind, job_id, key), _report(read.type, read.id))


def _subject(kind: str, read: _Body) -> str | None:
    """What the event is about. One about no batch may name that under other names than `data.id`; it then stands for itself."""
    named = read.data.get("id") if isinstance(read.data, dict) else None
    if kind != KIND and named is None:
        named = read.id
    return named if isinstance(named, str) and is_job_id(named) else None


def read_report(document: Mapping[str, Any]) -> Report:
    """The same report from a strictly parsed body, which may lack anything."""
    return _report(document.get("type"), document.get("id"))


def _report(event_type: Any, event_id: Any) -> Report:
    return Report(event_type=_text(event_type), event_id=_text(event_id))


def _text(value: Any) -> str | None:
    return clean(value, 256) if isinstance(value, str) else None
