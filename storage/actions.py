"""Actions: stored by whoever asks, answered by the reconciler that holds the lease."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from schemas.tables import ActionRow
from storage.counting import count
from storage.listing import Part
from storage.rows import add, fetch, fetch_one, table
from storage.wake import wake

ACTIONS = table(ActionRow)
_OF_JOB = select(ACTIONS).where(ACTIONS.c.job == bindparam("job")).order_by(ACTIONS.c.id).limit(1000)


async def ask(connection: AsyncConnection, row: ActionRow) -> None:
    await add(connection, row)
    await _count(connection, [row], row.asked_at)
    await wake(connection)


async def due(
    connection: AsyncConnection, source: str, now: int, limit: int, without: Collection[int]
) -> list[ActionRow]:
    """The actions whose turn it is, oldest first."""
    statement = (
        select(ACTIONS)
        .where(ACTIONS.c.source == source, ACTIONS.c.due_at <= now, ACTIONS.c.id.not_in(list(without)))
        .order_by(ACTIONS.c.due_at, ACTIONS.c.id)
        .limit(limit)
    )
    return await fetch(connection, ActionRow, statement)


async def next_due(connection: AsyncConnection, source: str) -> int | None:
    some_day = (ACTIONS.c.source == source) & ACTIONS.c.due_at.is_not(None)
    found: int | None = await connection.scalar(select(func.min(ACTIONS.c.due_at)).where(some_day))
    return found


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any]) -> None:
    await _change(connection, ACTIONS.c.id == number, changes)


async def end(connection: AsyncConnection, job: int, verbs: Collection[str], changes: Mapping[str, Any]) -> None:
    """End those of a job's actions, among some verbs, that still wait to be sent or sent again."""
    # Not by the bare verb: the store would rather look at every action of that verb than at those of the job.
    is_meant = ACTIONS.c.verb.concat("").in_(list(verbs))
    await _change(connection, (ACTIONS.c.job == job) & ACTIONS.c.due_at.is_not(None) & is_meant, changes)


async def of_job(connection: AsyncConnection, job: int) -> list[ActionRow]:
    return await fetch(connection, ActionRow, _OF_JOB, job=job)


async def newest(
    connection: AsyncConnection,
    part: Part,
    source: str | None = None,
    verb: str | None = None,
    state: str | None = None,
    job: int | None = None,
) -> list[ActionRow]:
    """The newest of them, of every job or of one."""
    statement = part.of(select(ACTIONS), ACTIONS.c.id)
    equal = ((ACTIONS.c.source, source), (ACTIONS.c.verb, verb), (ACTIONS.c.state, state), (ACTIONS.c.job, job))
    for column, value in equal:
        statement = statement if value is None else statement.where(column == value)
    return await fetch(connection, ActionRow, statement)


async def get(connection: AsyncConnection, number: int) -> ActionRow | None:
    return await fetch_one(connection, ActionRow, select(ACTIONS).where(ACTIONS.c.id == number))


async def _change(connection: AsyncConnection, which: ColumnElement[bool], changes: Mapping[str, Any]) -> None:
    changed = update(ACTIONS).where(which).values(**changes).returning(*ACTIONS.c)
    rows = await fetch(connection, ActionRow, changed)
    if "state" in changes:
        await _count(connection, rows, changes.get("answered_at"))


async def _count(connection: AsyncConnection, rows: Sequence[ActionRow], at: int | None) -> None:
    """Actions that come to the state in which they are now."""
    for row in rows:
        offered = "unknown" if row.cancel_url_present is None else "yes" if row.cancel_url_present else "no"
        came = f"acted.{row.verb}.{row.state}.{offered}"
        await count(connection, row.source, {came: 1}, at or row.answered_at or row.asked_at)
