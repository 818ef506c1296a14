"""Asking for a cancellation, by whoever it is: the intent, and what was known of `cancel_url` at that moment."""

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import ActionRow, JobRow
from schemas.words import ActionState, ActionVerb, AskedBy, Status
from storage import actions

_UNDER_WAY = frozenset({ActionState.ASKED, ActionState.ACCEPTED})


def cancel_of(job: JobRow, asked_by: AskedBy, reason: str | None, number: int, now: int) -> ActionRow:
    """The intent to cancel a job. Whether the provider offered a `cancel_url`, and when we read that, is kept; it prevents
    nothing."""
    has_answered = job.answered_at is not None
    return ActionRow(
        id=number,
        job=job.id,
        source=job.source,
        verb=ActionVerb.CANCEL.value,
        state=ActionState.ASKED.value,
        asked_by=asked_by.value,
        reason=reason,
        asked_at=now,
        due_at=now,
        cancel_url_present=int(job.cancel_url is not None) if has_answered else None,
        cancel_url_read_at=job.answered_at,
    )


async def under_way(connection: AsyncConnection, job: JobRow) -> ActionRow | None:
    """The cancellation of a job that is asked for already, and has not come to nothing."""
    before = await actions.of_job(connection, job.id)
    return next((row for row in before if row.verb == ActionVerb.CANCEL and row.state in _UNDER_WAY), None)


async def ask_to_cancel(
    connection: AsyncConnection, job: JobRow, asked_by: AskedBy, reason: str | None, number: int, now: int
) -> ActionRow | None:
    """Ask for an open job's cancellation, unless one is under way: then, and for a job that has ended, None."""
    if Status(job.status).is_terminal:
        return None
    if await under_way(connection, job) is not None:
        return None
    action = cancel_of(job, asked_by, reason, number, now)
    await actions.ask(connection, action)
    return action
