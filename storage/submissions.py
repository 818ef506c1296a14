"""Submissions: our intent to create a job, stored before the provider is asked."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from schemas.tables import SubmissionRow
from schemas.words import SubmissionState
from storage import group_tallies
from storage.listing import Part, newest_of
from storage.rows import add, fetch, fetch_one, table
from storage.wake import wake

SUBMISSIONS = table(SubmissionRow)
_PORTION = 500  # a statement takes only so many values
MOST_COUNTED = 1000
# No job has come of them, and one still may.
WAITING = tuple(state.value for state in SubmissionState if not state.is_over and state is not SubmissionState.CREATED)


async def due(
    connection: AsyncConnection, source: str, now: int, limit: int, without: Collection[int]
) -> list[SubmissionRow]:
    """The submissions whose next step is to be taken now, oldest first."""
    statement = (
        select(SUBMISSIONS)
        .where(SUBMISSIONS.c.source == source, SUBMISSIONS.c.due_at <= now, SUBMISSIONS.c.id.not_in(list(without)))
        .order_by(SUBMISSIONS.c.due_at, SUBMISSIONS.c.id)
        .limit(limit)
    )
    return await fetch(connection, SubmissionRow, statement)


async def next_due(connection: AsyncConnection, source: str) -> int | None:
    some_day = (SUBMISSIONS.c.source == source) & SUBMISSIONS.c.due_at.is_not(None)
    found: int | None = await connection.scalar(select(func.min(SUBMISSIONS.c.due_at)).where(some_day))
    return found


async def uploads_since(connection: AsyncConnection, source: str, since: int) -> list[tuple[int, int]]:
    """When files were uploaded, and how many bytes each had; oldest first."""
    recent = (SUBMISSIONS.c.source == source) & (SUBMISSIONS.c.uploaded_at >= since)
    statement = select(SUBMISSIONS.c.uploaded_at, SUBMISSIONS.c.input_bytes).where(recent)
    rows = await connection.execute(statement.order_by(SUBMISSIONS.c.uploaded_at))
    return [(at, size) for at, size in rows]


async def of_group(
    connection: AsyncConnection, group: int, limit: int | None = None, after: int | None = None
) -> list[SubmissionRow]:
    """A group's members in the order of their rows: all, or so many after the part with a number."""
    statement = select(SUBMISSIONS).where(SUBMISSIONS.c.group_id == group)
    if after is not None:
        statement = statement.where(SUBMISSIONS.c.shard > after)
    return await fetch(connection, SubmissionRow, statement.order_by(SUBMISSIONS.c.shard).limit(limit))


async def newest(
    connection: AsyncConnection, part: Part, source: str | None = None, states: Collection[str] = ()
) -> list[SubmissionRow]:
    """The newest submissions. Each state is asked for alone, so that an index answers in order."""
    statement = part.of(select(SUBMISSIONS), SUBMISSIONS.c.id)
    if source is not None:
        statement = statement.where(SUBMISSIONS.c.source == source)
    if not states:
        return await fetch(connection, SubmissionRow, statement)
    in_state = [statement.where(SUBMISSIONS.c.state == state) for state in sorted(set(states))]
    return newest_of([await fetch(connection, SubmissionRow, one) for one in in_state], part, lambda row: row.id)


async def count_waiting(connection: AsyncConnection) -> int:
    """How many have not become jobs and still may. Of each state they are counted no further than just beyond MOST_COUNTED."""
    count: int | None = await connection.scalar(_count_waiting())
    return count or 0


async def waiting_longest(connection: AsyncConnection, limit: int) -> list[SubmissionRow]:
    """The oldest of those, oldest first. Each state is read from its old end."""
    return await fetch(connection, SubmissionRow, _waiting_longest(limit))


# These statements are made once: that takes longer than their answers.


@cache
def _count_waiting() -> Select[Any]:
    one = literal(1).label("one")
    some = [select(one).where(SUBMISSIONS.c.state == state).limit(MOST_COUNTED + 1).subquery() for state in WAITING]
    return select(func.count()).select_from(union_all(*(select(each.c.one) for each in some)).subquery())


@cache
def _waiting_longest(limit: int) -> Select[Any]:
    number = SUBMISSIONS.c.id
    oldest = [select(number).where(SUBMISSIONS.c.state == state).order_by(number).limit(limit) for state in WAITING]
    numbers = union_all(*(select(each.subquery()) for each in oldest))
    return select(SUBMISSIONS).where(number.in_(numbers)).order_by(number).limit(limit)


async def store(connection: AsyncConnection, row: SubmissionRow) -> None:
    await add(connection, row)
    await group_tallies.begun(connection, row)
    await wake(connection)


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any], now: int) -> None:
    """A change of its state is counted in its group."""
    statement = update(SUBMISSIONS).where(SUBMISSIONS.c.id == number).values(**changes, updated_at=now)
    async with group_tallies.kept(connection, number if changes.keys() & group_tallies.OF_SUBMISSION else None):
        await connection.execute(statement)


async def lock(connection: AsyncConnection, number: int) -> SubmissionRow | None:
    """A submission that nobody else changes until the caller's transaction ends."""
    statement = select(SUBMISSIONS).where(SUBMISSIONS.c.id == number).with_for_update()
    return await fetch_one(connection, SubmissionRow, statement)


async def confirm(connection: AsyncConnection, number: int, now: int) -> None:
    """Note when its job's own metadata showed our token first."""
    unconfirmed = (SUBMISSIONS.c.id == number) & SUBMISSIONS.c.confirmed_at.is_(None)
    await connection.execute(update(SUBMISSIONS).where(unconfirmed).values(confirmed_at=now))


async def ask_to_drop(connection: AsyncConnection, group: int, reason: str, asked_by: str, now: int) -> list[int]:
    """Ask for every member of a group that no job has come of yet to be dropped. Which those are."""
    members = (SUBMISSIONS.c.group_id == group) & SUBMISSIONS.c.drop_asked_at.is_(None)
    return await _ask_to_drop(connection, members, reason, asked_by, now)


async def ask_to_drop_one(connection: AsyncConnection, number: int, reason: str, asked_by: str, now: int) -> bool:
    """Ask for one to be dropped. Whether it can be: no job has come of it yet."""
    return bool(await _ask_to_drop(connection, SUBMISSIONS.c.id == number, reason, asked_by, now))


async def _ask_to_drop(
    connection: AsyncConnection, which: ColumnElement[bool], reason: str, asked_by: str, now: int
) -> list[int]:
    over = [state.value for state in SubmissionState if state.is_over or state is SubmissionState.CREATED]
    asked = {"drop_asked_at": now, "drop_reason": reason, "drop_asked_by": asked_by, "due_at": now}
    statement = update(SUBMISSIONS).where(which, SUBMISSIONS.c.state.not_in(over)).values(**asked, updated_at=now)
    found = [number for (number,) in await connection.execute(statement.returning(SUBMISSIONS.c.id))]
    if found:
        await wake(connection)
    return sorted(found)


async def that_may_have_made(
    connection: AsyncConnection, source: str, file_ids: Collection[str], numbers: Collection[int]
) -> list[SubmissionRow]:
    """The submissions of a source that uploaded one of these files, or have one of these ids."""
    found: dict[int, SubmissionRow] = {}
    mine = select(SUBMISSIONS).where(SUBMISSIONS.c.source == source)
    for column, values in ((SUBMISSIONS.c.input_file_id, sorted(file_ids)), (SUBMISSIONS.c.id, sorted(numbers))):
        for start in range(0, len(values), _PORTION):
            statement = mine.where(column.in_(values[start : start + _PORTION]))
            found |= {row.id: row for row in await fetch(connection, SubmissionRow, statement)}
    return list(found.values())


async def get(connection: AsyncConnection, number: int) -> SubmissionRow | None:
    return await fetch_one(connection, SubmissionRow, select(SUBMISSIONS).where(SUBMISSIONS.c.id == number))
