"""Groups: one completes in the transaction that ends the waiting for its last member; one that fails fast ends the others."""

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler import outbox
from reconciler.cancelling import ask_to_cancel
from reconciler.owned import Owned
from schemas.tables import JobRow
from schemas.words import AskedBy, Policy, Status
from storage import groups, jobs, submissions

BAD_ENDS = frozenset({Status.FAILED, Status.EXPIRED, Status.CANCELLED})


async def member_is_over(connection: AsyncConnection, owned: Owned, group: int | None, now: int) -> None:
    """A member is ready, or nothing will come of it. The last one completes the group, once."""
    row = None if group is None else await groups.lock(connection, group)
    if row is None or row.completed_at is not None or await groups.awaits(connection, row.id):
        return
    await groups.complete(connection, row.id, now)
    row.completed_at = now
    members, made = await submissions.of_group(connection, row.id), await jobs.of_group(connection, row.id)
    await outbox.hand_on_group(connection, owned, row, members, made, now)


async def member_ended_badly(
    connection: AsyncConnection, owned: Owned, group: int | None, what: str, but: int | None, now: int
) -> None:
    """Where the policy is to fail fast, drop and cancel the other members. `but` is the submission that `what` tells of."""
    row = None if group is None else await groups.lock(connection, group)
    if row is None or row.policy != Policy.FAIL_FAST or row.completed_at is not None:
        return
    reason = f"fail fast: {what}"
    await submissions.ask_to_drop(connection, row.id, reason, AskedBy.AUTOMATION.value, now)
    for job in await jobs.of_group(connection, row.id):
        if job.submission_id != but:
            await ask_to_cancel(connection, job, AskedBy.AUTOMATION, reason, owned.store.new_id(), now)


def is_bad(job: JobRow) -> bool:
    return Status(job.status) in BAD_ENDS
