"""Refusals as they are read. Only the receiver's ledger inserts them."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import RefusalRow
from schemas.words import RefusalReason
from storage.listing import Part
from storage.rows import fetch, fetch_one, table

REFUSALS = table(RefusalRow)


async def newest(
    connection: AsyncConnection, part: Part, source: str | None = None, reason: str | None = None
) -> list[RefusalRow]:
    statement = part.of(select(REFUSALS), REFUSALS.c.id)
    for column, value in ((REFUSALS.c.source, source), (REFUSALS.c.reason, reason)):
        statement = statement if value is None else statement.where(column == value)
    return await fetch(connection, RefusalRow, statement)


async def newest_of_each(
    connection: AsyncConnection, source: str, reasons: Collection[RefusalReason], most: int
) -> dict[RefusalReason, list[int]]:
    """When a source's newest requests that were refused for each of these reasons came (microseconds), newest first."""
    times = {}
    for reason in reasons:
        found = await newest(connection, Part(most), source, reason.value)
        if found:
            times[reason] = [row.received_at for row in found]
    return times


async def get(connection: AsyncConnection, number: int) -> RefusalRow | None:
    return await fetch_one(connection, RefusalRow, select(REFUSALS).where(REFUSALS.c.id == number))
