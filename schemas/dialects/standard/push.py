"""Webhook bodies: the job, the event and perhaps the status stand where the options say.

A delivery of an event that tells an end is named by that event, so that it can be expected before it came. Every other is named
by its `webhook-id`, which is signed and the same on every retry (contract of the other providers, 1): its event may happen again.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.dialects.members import text
from schemas.dialects.standard.options import Options
from schemas.dialects.standard.paths import at, identifier
from schemas.dialects.standard.statuses import read_status
from schemas.readings import Identity, Report


class Push(NamedTuple):
    """A readable body."""

    identity: Identity
    report: Report


def read_push(body: bytes, message_id: str, options: Options) -> Push | str:
    """Read a signed body, or say in a few words why it cannot be read."""
    try:
        body.decode("utf-8")
        document = msgspec.json.decode(body)
    except UnicodeDecodeError:
        return "not UTF-8"
    except RecursionError:
        return "nested too deep"
    except msgspec.DecodeError:
        return "not JSON"
    if not isinstance(document, dict):
        return "not a JSON object"
    job_id = identifier(at(document, options.job))
    if job_id is None:
        return f"no usable id of a job stands at {options.job}"
    event = at(document, options.event)
    key = event if isinstance(event, str) and event in options.expected_events else message_id
    return Push(Identity(options.kind, job_id, key), read_report(document, options))


def read_report(document: Mapping[str, Any], options: Options) -> Report:
    """What a body says of its job, which may lack anything. No status is read from the name of an event (contract, note 4)."""
    native = None if options.status is None else at(document, options.status)
    return Report(
        event_type=text(at(document, options.event)),
        status=read_status(options.words, native),
        native_status=text(native),
    )
