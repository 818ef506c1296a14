"""Outputs: what terminal jobs name, whether it is there, and whether we have it."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from schemas.tables import JobRow, OutputRow
from schemas.words import OutputState
from storage.rows import fetch, table, upsert

OUTPUTS, JOBS = table(OutputRow), table(JobRow)
_OF_JOB = select(OUTPUTS).where(OUTPUTS.c.job == bindparam("job")).order_by(OUTPUTS.c.id)


async def name(connection: AsyncConnection, row: OutputRow) -> None:
    """Note a file that a job names; one that is noted already stays as it is."""
    # The conflict's target is named, so that two rows with one id are an error and not taken for one file.
    statement = upsert(connection, OUTPUTS).values(**row.model_dump())
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["job", "role", "file_id"]))


async def due(
    connection: AsyncConnection,
    source: str,
    now: int,
    limit: int,
    without: Collection[int],
    states: Collection[OutputState],
) -> list[OutputRow]:
    """The outputs in one of these states of which something is to be done now."""
    words = [state.value for state in states]
    statement = (
        select(OUTPUTS)
        .where(OUTPUTS.c.due_at <= now, OUTPUTS.c.id.not_in(list(without)), _of_source(source))
        .where(OUTPUTS.c.state.in_(words))
        .order_by(OUTPUTS.c.due_at, OUTPUTS.c.id)
        .limit(limit)
    )
    return await fetch(connection, OutputRow, statement)


async def want(connection: AsyncConnection, job: int, now: int) -> None:
    """Have those of a job's outputs fetched that are there and were only looked for."""
    only_looked_for = (OUTPUTS.c.state == OutputState.EXISTS.value) & OUTPUTS.c.due_at.is_(None)
    await connection.execute(update(OUTPUTS).where(OUTPUTS.c.job == job, only_looked_for).values(due_at=now))


async def next_due(connection: AsyncConnection, source: str) -> int | None:
    some_day = OUTPUTS.c.due_at.is_not(None) & _of_source(source)
    statement = select(OUTPUTS.c.due_at).where(some_day).order_by(OUTPUTS.c.due_at).limit(1)
    found: int | None = await connection.scalar(statement)
    return found


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any]) -> None:
    await connection.execute(update(OUTPUTS).where(OUTPUTS.c.id == number).values(**changes))


async def of_job(connection: AsyncConnection, job: int) -> list[OutputRow]:
    return await fetch(connection, OutputRow, _OF_JOB, job=job)


def _of_source(source: str) -> ColumnElement[bool]:
    """Asked of each output in turn, and not joined: a join would begin with every job of the source."""
    return exists().where(JOBS.c.id == OUTPUTS.c.job, JOBS.c.source == source)
