"""Live updates of one job over a WebSocket (contract 10). It is accepted before it is known who listens; the token goes in the
header, where no log of URLs has it.

What it says is not decisive. Of worth is also what only its first message, the catch-up, tells: under which id the job's
history stands, for the day when its state is gone.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.dialects.members import mapping, text
from schemas.dialects.tagger import routes
from schemas.dialects.tagger.standing import (
    ENDS,
    KIND,
    OPEN,
    progress,
    read_fraction,
    read_numbers,
    read_standing,
    whole,
)
from schemas.readings import Denied, Ignored, Observation, Observed, Question, RowCounts, SocketMessage
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Status

SILENCE = 150.0  # seconds: a keepalive comes after 30, but not while a download or the LLM holds the whole server

_LIVE_FAILURE = "error"  # the same end as `failed` is for who comes late
_NO_STATE = "the tagger holds no state of this job, as far as its socket tells"


def socket(base_url: str, job_id: str) -> Question:
    return Question("GET", routes.socket(base_url, job_id))


def read_socket(job_id: str, message: str) -> SocketMessage:
    """One frame. The usual ones have no `type`: they are about rows."""
    try:
        frame = parse_object(message.encode("utf-8", "replace"), any_text=True)
    except NotStrictJson as error:
        return Ignored(f"not readable: {error}")
    if frame.get("job_id", job_id) != job_id:
        return Ignored("about another job")
    kind = frame.get("type")
    if kind == "catchup":
        return read_catchup(job_id, mapping(frame.get("state")))
    if kind == "keepalive":
        return _keepalive(job_id, frame.get("status"))
    if kind == _LIVE_FAILURE:
        return Observed(_ended(job_id, Status.FAILED, frame, text(frame.get("error"), 1000)))
    if isinstance(kind, str) and kind in ENDS:
        return Observed(_ended(job_id, ENDS[kind], frame, None))
    if kind is None and whole(frame.get("row_id")) is not None:
        return Observed(_moving(job_id, frame))
    if kind is None and (trouble := text(frame.get("error"))):
        return Ignored(f"the server says: {trouble}")
    return Ignored("a message of a sort that is not known")


def read_catchup(job_id: str, state: Mapping[str, Any]) -> Observed | Ignored:
    """The state as it is stored, every value a text."""
    read = read_standing(job_id, state) if state.get("status") else _NO_STATE
    if isinstance(read, str | Denied):
        return Ignored(_NO_STATE)
    return Observed(replace(read, polling_url=routes.history_place(state.get("db_job_id"))))


def _keepalive(job_id: str, status: Any) -> Observed | Ignored:
    """A sign of life, with the status as it reads now; null for a job that is not known."""
    if isinstance(status, str) and (status in OPEN or status in ENDS):
        return Observed(_plain(job_id, OPEN.get(status) or ENDS[status], status))
    return Ignored()


def _moving(job_id: str, frame: Mapping[str, Any]) -> Observation:
    """Rows are being handled, whatever the job's status reads."""
    fraction = read_fraction(frame.get("progress"))
    return replace(_plain(job_id, Status.RUNNING, None), progress=progress(Status.RUNNING, RowCounts(), fraction))


def _ended(job_id: str, status: Status, frame: Mapping[str, Any], error: str | None) -> Observation:
    numbers = read_numbers(frame)
    counts = RowCounts(numbers.total, numbers.processed, numbers.failed)
    plain = _plain(job_id, status, text(frame.get("type")))
    return replace(plain, counts=counts, progress=progress(status, counts, None), error_message=error)


def _plain(job_id: str, status: Status, native: str | None) -> Observation:
    return Observation(kind=KIND, job_id=job_id, status=status, native_status=native, writes_files=False)
