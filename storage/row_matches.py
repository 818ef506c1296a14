"""How the rows of each job compare with what was asked: one row for each job, of its newest match."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import RowMatchRow
from storage import group_tallies
from storage.rows import fetch, fetch_one, table, upsert

MATCHES = table(RowMatchRow)
_OF_JOB = select(MATCHES).where(MATCHES.c.job == bindparam("job"))
_PORTION = 500  # a statement takes only so many values


async def keep(connection: AsyncConnection, row: RowMatchRow) -> None:
    """Take the place of what was known of the same job."""
    values = row.model_dump()
    statement = upsert(connection, MATCHES).values(**values)
    async with group_tallies.kept(connection, await group_tallies.submission_of(connection, row.job)):
        await connection.execute(statement.on_conflict_do_update(index_elements=["job"], set_=values))


async def of_jobs(connection: AsyncConnection, jobs: Sequence[int]) -> dict[int, RowMatchRow]:
    """The newest match of some jobs, by job."""
    found: dict[int, RowMatchRow] = {}
    for start in range(0, len(jobs), _PORTION):
        statement = select(MATCHES).where(MATCHES.c.job.in_(jobs[start : start + _PORTION]))
        found |= {row.job: row for row in await fetch(connection, RowMatchRow, statement)}
    return found


async def of_job(connection: AsyncConnection, job: int) -> RowMatchRow | None:
    return await fetch_one(connection, RowMatchRow, _OF_JOB, job=job)
