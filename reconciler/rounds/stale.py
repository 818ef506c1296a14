"""The stale round: automation cancels jobs that have run for longer than they may, and signs for it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.cancelling import ask_to_cancel
from reconciler.owned import Owned
from reconciler.rounds.each import write_each
from schemas.tables import JobRow
from schemas.times import MINUTE, in_words
from schemas.words import AskedBy
from storage import jobs

BATCH = 100
SET_ASIDE_FOR = 5 * MINUTE


async def run_once(owned: Owned, now: int) -> int:
    """Ask for the cancellation of what is stale. How many jobs that were."""
    async with owned.store.reading() as connection:
        stale = await jobs.stale(connection, owned.source.name, now, BATCH)

    async def write(connection: AsyncConnection, job: JobRow) -> None:
        reason = f"not done within {in_words((job.cancel_at or now) - job.created_at)}"
        await jobs.change(connection, job.id, {"cancel_at": None}, now)
        await ask_to_cancel(connection, job, AskedBy.AUTOMATION, reason, owned.store.new_id(), now)

    async def set_aside(connection: AsyncConnection, job: JobRow) -> None:
        await jobs.change(connection, job.id, {"cancel_at": now + SET_ASIDE_FOR}, now)

    await write_each(owned, stale, write, set_aside, ("", ""))
    return len(stale)
