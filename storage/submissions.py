"""Submissions: our intent to create a job, stored before the provider is asked."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import SubmissionRow
from storage.rows import add, fetch, fetch_one, table

SUBMISSIONS = table(SubmissionRow)
_PORTION = 500  # a statement takes only so many values


async def store(connection: AsyncConnection, row: SubmissionRow) -> None:
    await add(connection, row)


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any], now: int) -> None:
    await connection.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == number).values(**changes, updated_at=now))


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


async def of_group(connection: AsyncConnection, group: int) -> list[SubmissionRow]:
    """The members of a group, in the order of their shards."""
    statement = select(SUBMISSIONS).where(SUBMISSIONS.c.group_id == group)
    return await fetch(connection, SubmissionRow, statement.order_by(SUBMISSIONS.c.shard, SUBMISSIONS.c.id))


async def get(connection: AsyncConnection, number: int) -> SubmissionRow | None:
    return await fetch_one(connection, SubmissionRow, select(SUBMISSIONS).where(SUBMISSIONS.c.id == number))
