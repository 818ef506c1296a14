"""The provider's account of its deliveries. It shows its ten newest attempts; we keep every one that we have seen."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import AttemptRow
from schemas.words import AttemptOutcome
from storage.listing import Part
from storage.rows import fetch, table, upsert

ATTEMPTS = table(AttemptRow)
_OF_JOB = (
    select(ATTEMPTS)
    .where(ATTEMPTS.c.job == bindparam("job"))
    .order_by(ATTEMPTS.c.tried_at, ATTEMPTS.c.number)
    .limit(1000)
)


async def keep(connection: AsyncConnection, rows: Sequence[AttemptRow]) -> list[AttemptRow]:
    """
    Take over attempts as the provider tells them now; what it says of one that we know replaces what it said before.

    Those that were not known come back.
    """
    new = []
    for row in rows:
        statement = upsert(connection, ATTEMPTS).values(**row.model_dump())
        told = {
            name: statement.excluded[name] for name in ("outcome", "response_status", "timed_out", "error", "preview")
        }
        kept = statement.on_conflict_do_update(index_elements=["job", "delivery_key", "number", "tried_at"], set_=told)
        if await connection.scalar(kept.returning(ATTEMPTS.c.id)) == row.id:
            new.append(row)
    return new


async def undelivered(connection: AsyncConnection, part: Part) -> list[AttemptRow]:
    """The newest attempts that the provider does not call delivered."""
    # Written out: the index has these only, and has to be seen to have them.
    failed = ATTEMPTS.c.outcome != literal_column(f"'{AttemptOutcome.DELIVERED}'")
    return await fetch(connection, AttemptRow, part.of(select(ATTEMPTS).where(failed), ATTEMPTS.c.id))


async def of_job(connection: AsyncConnection, job: int) -> list[AttemptRow]:
    return await fetch(connection, AttemptRow, _OF_JOB, job=job)


async def of_jobs(connection: AsyncConnection, jobs: Collection[int]) -> dict[int, list[AttemptRow]]:
    """The same of several, by job."""
    statement = select(ATTEMPTS).where(ATTEMPTS.c.job.in_(sorted(jobs)))
    found: dict[int, list[AttemptRow]] = {job: [] for job in jobs}
    for row in await fetch(connection, AttemptRow, statement.order_by(ATTEMPTS.c.tried_at, ATTEMPTS.c.number)):
        found[row.job].append(row)
    return found
