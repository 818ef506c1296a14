"""Outputs: the files that terminal jobs name, and whether they are there."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import JobRow, OutputRow
from storage.rows import fetch, table

OUTPUTS, JOBS = table(OutputRow), table(JobRow)


async def name(connection: AsyncConnection, row: OutputRow) -> None:
    """Note a file that a job names; one that is noted already stays as it is."""
    await connection.execute(insert(OUTPUTS).values(**row.model_dump()).on_conflict_do_nothing())


async def due(
    connection: AsyncConnection, source: str, now: int, limit: int, without: Collection[int]
) -> list[OutputRow]:
    """The files to look for now."""
    statement = (
        select(OUTPUTS)
        .join(JOBS, JOBS.c.id == OUTPUTS.c.job)
        .where(JOBS.c.source == source, OUTPUTS.c.due_at <= now, OUTPUTS.c.id.not_in(list(without)))
        .order_by(OUTPUTS.c.due_at, OUTPUTS.c.id)
        .limit(limit)
    )
    return await fetch(connection, OutputRow, statement)


async def next_due(connection: AsyncConnection, source: str) -> int | None:
    statement = select(func.min(OUTPUTS.c.due_at)).join(JOBS, JOBS.c.id == OUTPUTS.c.job).where(JOBS.c.source == source)
    found: int | None = await connection.scalar(statement)
    return found


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any]) -> None:
    await connection.execute(update(OUTPUTS).where(OUTPUTS.c.id == number).values(**changes))


async def of_job(connection: AsyncConnection, job: int) -> list[OutputRow]:
    return await fetch(connection, OutputRow, select(OUTPUTS).where(OUTPUTS.c.job == job).order_by(OUTPUTS.c.id))
