"""How the rows of each job compare with what was asked: one row for each job, of its newest match."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import RowMatchRow
from storage.rows import fetch_one, table, upsert

MATCHES = table(RowMatchRow)


async def keep(connection: AsyncConnection, row: RowMatchRow) -> None:
    """Take the place of what was known of the same job."""
    values = row.model_dump()
    statement = upsert(connection, MATCHES).values(**values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["job"], set_=values))


async def of_job(connection: AsyncConnection, job: int) -> RowMatchRow | None:
    return await fetch_one(connection, RowMatchRow, select(MATCHES).where(MATCHES.c.job == job))
