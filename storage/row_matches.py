"""How the rows of jobs compare with what was asked, by custom id."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import RowMatchRow
from storage.rows import fetch_one, table

MATCHES = table(RowMatchRow)


async def of_job(connection: AsyncConnection, job: int) -> RowMatchRow | None:
    return await fetch_one(connection, RowMatchRow, select(MATCHES).where(MATCHES.c.job == job))
