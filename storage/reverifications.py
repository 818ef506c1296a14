"""Who had refused requests verified once more, when, why, and how many were taken in."""

from collections.abc import Collection

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import ReverificationRow
from storage.rows import add, fetch, table

REVERIFICATIONS = table(ReverificationRow)


async def begin(connection: AsyncConnection, row: ReverificationRow) -> None:
    await add(connection, row)


async def took_in(connection: AsyncConnection, number: int, count: int) -> None:
    """So many more."""
    ours = update(REVERIFICATIONS).where(REVERIFICATIONS.c.id == number)
    await connection.execute(ours.values(taken_in=REVERIFICATIONS.c.taken_in + count))


async def end(connection: AsyncConnection, number: int, now: int) -> None:
    await connection.execute(update(REVERIFICATIONS).where(REVERIFICATIONS.c.id == number).values(ended_at=now))


async def last_of(connection: AsyncConnection, names: Collection[str]) -> dict[str, ReverificationRow]:
    """The last of each of these sources, by source."""
    ours = (select(func.max(REVERIFICATIONS.c.id)).where(REVERIFICATIONS.c.source == name) for name in sorted(names))
    last = REVERIFICATIONS.c.id.in_([each.scalar_subquery() for each in ours])
    return {row.source: row for row in await fetch(connection, ReverificationRow, select(REVERIFICATIONS).where(last))}
