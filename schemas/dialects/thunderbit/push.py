"""Thunderbit's webhook bodies (contract 9.1): who the delivery is, and what it says of its job.

The older payload is the current one without some members, and rows that a page promises are passed over: all are read alike. The
receiver reads only these few members, quickly. The judge reads the whole body again, strictly.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.dialects.members import text
from schemas.dialects.thunderbit.delivery_key import EVENT, key_of, key_of_unattributed
from schemas.dialects.thunderbit.objects import KIND, read_object
from schemas.dialects.thunderbit.rows import counts_of, has_begun
from schemas.dialects.thunderbit.status import progress_of, read_status
from schemas.identity import is_job_id
from schemas.readings import Identity, Observation, Report

_NO_ROWS = 0  # pages of rows do not come by webhook


class _Body(msgspec.Struct):
    id: Any = None
    status: Any = None
    total: Any = None
    completed: Any = None
    failed: Any = None


_decoder = msgspec.json.Decoder(_Body)


def read_push(source: str, body: bytes) -> tuple[Identity, Report] | str:
    """Read an authentic body, or say in a few words why it cannot be read.

    One that names its job and no status is known by its bytes. It says nothing, and so makes us ask.
    """
    try:
        body.decode("utf-8")
        read = _decoder.decode(body)
    except UnicodeDecodeError:
        return "not UTF-8"
    except RecursionError:
        return "nested too deep"
    except msgspec.DecodeError:
        return "not a JSON object"
    if not isinstance(read.id, str) or not is_job_id(read.id):
        return "unattributed: its id is missing, too long, or not printable ASCII"
    is_told = isinstance(read.status, str) and read.status
    key = key_of(source, read.id, read.status) if is_told else key_of_unattributed(source, body)
    return Identity(KIND, read.id, key), read_report(msgspec.structs.asdict(read))


def read_report(document: Mapping[str, Any]) -> Report:
    """The same report from a strictly parsed body, which may lack anything."""
    told = {name: document.get(name) for name in _Body.__struct_fields__}
    counts, native = counts_of(told, _NO_ROWS), told["status"]
    status = read_status(native, has_begun(told, counts))
    return Report(event_type=EVENT, status=status, native_status=text(native), progress=progress_of(status, counts))


def read_pushed(document: Mapping[str, Any]) -> Observation | None:
    """The job as a strictly parsed body shows it."""
    job_id = document.get("id")
    if not isinstance(job_id, str) or not is_job_id(job_id) or text(document.get("status")) is None:
        return None
    return read_object(job_id, document, _NO_ROWS)
