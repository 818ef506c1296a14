"""Submissions: what an answer means for one, and when its next step is due. Pure; times in microseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.pace import RETRY_FIRST, clamp, growing
from schemas.dialects.orders import SubmitLater, SubmitRefused
from schemas.readings import Troubled, Uploaded
from schemas.tables import SubmissionRow
from schemas.times import MINUTE, SECOND
from schemas.words import SubmissionState

LONGEST_RETRY = 5 * MINUTE
LOOK_FIRST, LONGEST_LOOK = 5 * SECOND, 2 * MINUTE  # between two looks through the list for a lost create


@dataclass(frozen=True, slots=True)
class Trace:
    """By what a job whose create was not answered may still be known for ours: what is told while it is looked for, and what once
    that was in vain."""

    looking: str
    in_vain: str


BY_LIST = Trace("; the provider's list is looked through for it", "; the provider's list has not shown it")
BY_WEBHOOK = Trace("; its webhook is waited for", "; no webhook of it has come")
BY_NOTHING = Trace(
    "", "; nothing that the provider shows of its jobs could tell that one is this, so see there yourself"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lost create is looked for, and how often an upload that met a quota is tried again."""

    unclear: int
    quota: int


def uploaded(row: SubmissionRow, answer: Uploaded, now: int) -> dict[str, Any]:
    return {
        "state": SubmissionState.UPLOADED.value,
        "input_file_id": answer.file_id,
        "uploaded_at": now,
        "sent_bytes": row.input_bytes,
        "message": None,
        "tries": 0,
        "due_at": now,
    }


def refused(answer: SubmitRefused) -> dict[str, Any]:
    return {"state": SubmissionState.REFUSED.value, "message": answer.message, "due_at": None}


def again(row: SubmissionRow, trouble: Troubled, now: int) -> dict[str, Any]:
    """The step came to nothing, and nothing came of it: it is taken again."""
    wait = max(growing(RETRY_FIRST, 2.0, row.tries, LONGEST_RETRY), clamp(trouble.retry_after))
    return {"message": trouble.message, "tries": row.tries + 1, "due_at": now + wait, "sent_bytes": 0}


def later(
    row: SubmissionRow, answer: SubmitLater, uploads: Sequence[tuple[int, int]], patience: Patience, now: int
) -> dict[str, Any]:
    """The provider will not have it now. After a quota the next try is when the oldest of our own uploads no longer counts, or
    earlier: what others upload there, and how it counts, nobody tells us."""
    waits = again(row, answer.trouble, now)
    if answer.window is None:
        return waits
    due_at = now + growing(patience.quota, 2.0, row.tries, answer.window)
    leaves = min((at for at, _ in uploads), default=None)
    if leaves is not None and leaves + answer.window > now:
        due_at = min(due_at, leaves + answer.window + SECOND)
    return {**waits, "message": f"waits for the quota of uploads: {answer.trouble.message}", "due_at": due_at}


def sending(now: int) -> dict[str, Any]:
    """Committed before the create leaves: from now on there may be a job."""
    return {"state": SubmissionState.CREATING.value, "create_sent_at": now, "due_at": now}


def unsent(row: SubmissionRow, trouble: Troubled, now: int) -> dict[str, Any]:
    """The create did not leave, or was turned away for now: no job can have come of it."""
    state = SubmissionState.UPLOADED if row.input_file_id else SubmissionState.STORED
    return {**again(row, trouble, now), "state": state.value, "create_sent_at": None}


def trace_of(row: SubmissionRow, has_list: bool, holds_metadata: bool) -> Trace:
    """A list tells by our token in the job's metadata, or by the input file; a webhook by that token, or by the path to us."""
    if has_list and (holds_metadata or row.input_file_id is not None):
        return BY_LIST
    return BY_WEBHOOK if holds_metadata or row.path_token is not None else BY_NOTHING


def lost(row: SubmissionRow, message: str, trace: Trace, now: int) -> dict[str, Any]:
    """Nobody told what became of the create: it is looked for, unless that would be in vain."""
    if trace is BY_NOTHING:
        return _given_up(row, message, trace)
    state = SubmissionState.UNCLEAR.value
    return {"state": state, "message": f"{message}{trace.looking}", "tries": 0, "due_at": now + LOOK_FIRST}


def still_unclear(
    row: SubmissionRow, trace: Trace, swept_at: int | None, patience: Patience, now: int
) -> dict[str, Any]:
    """After another look in vain. It is given up, to be decided by a person, once patience is over and, where there is a list
    to find it by, a whole look that began after the create has not shown it."""
    sent_at = row.create_sent_at or row.updated_at
    looked = trace is not BY_LIST or (swept_at is not None and swept_at > sent_at + LOOK_FIRST)
    if trace is BY_NOTHING or (now - sent_at >= patience.unclear and looked):
        return _given_up(row, row.message or "", trace)
    return {"tries": row.tries + 1, "due_at": now + growing(LOOK_FIRST, 2.0, row.tries + 1, LONGEST_LOOK)}


def _given_up(row: SubmissionRow, message: str, trace: Trace) -> dict[str, Any]:
    """Whoever has asked for it to be dropped has decided already."""
    state = SubmissionState.UNCONFIRMED if row.drop_asked_at is None else SubmissionState.DROPPED
    return {"state": state.value, "due_at": None, "message": f"{message.removesuffix(trace.looking)}{trace.in_vain}"}


def dropped(row: SubmissionRow) -> dict[str, Any]:
    return {"state": SubmissionState.DROPPED.value, "message": row.drop_reason, "due_at": None}


def is_droppable(row: SubmissionRow) -> bool:
    """It is asked for, and no create is on its way."""
    states = (SubmissionState.STORED, SubmissionState.UPLOADED, SubmissionState.UNCONFIRMED)
    return row.drop_asked_at is not None and row.state in states
