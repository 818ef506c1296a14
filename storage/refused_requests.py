"""What is kept of refused requests, as it is read. Only the ledger's book writes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import RefusalRow, RefusedRequestRow
from storage.refusals import REFUSALS
from storage.rows import fetch, fetch_one, table

REQUESTS = table(RefusedRequestRow)
_PORTION = 500  # a statement takes only so many values


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, and what is kept of its request."""

    refusal: RefusalRow
    request: RefusedRequestRow


async def waiting(
    connection: AsyncConnection, source: str, since: int | None = None, until: int | None = None
) -> list[int]:
    """The numbers of those of a source that are not taken in, in order of arrival; `until` excluded. The room bounds them."""
    arrived = REFUSALS.c.received_at
    statement = (
        select(REQUESTS.c.id)
        .join(REFUSALS, REFUSALS.c.id == REQUESTS.c.id)
        .where(REQUESTS.c.source == source, REQUESTS.c.taken_in_at.is_(None))
    )
    if since is not None:
        statement = statement.where(arrived >= since)
    if until is not None:
        statement = statement.where(arrived < until)
    return list(await connection.scalars(statement.order_by(arrived, REQUESTS.c.id)))


async def these(connection: AsyncConnection, numbers: Sequence[int]) -> list[Refused]:
    """Those of these numbers that still wait there, in the same order."""
    waiting = select(REQUESTS).where(REQUESTS.c.id.in_(list(numbers)), REQUESTS.c.taken_in_at.is_(None))
    requests = {row.id: row for row in await fetch(connection, RefusedRequestRow, waiting)}
    rows = await fetch(connection, RefusalRow, select(REFUSALS).where(REFUSALS.c.id.in_(list(requests))))
    refusals = {row.id: row for row in rows}
    return [Refused(refusals[number], requests[number]) for number in numbers if number in refusals]


async def newest(connection: AsyncConnection, source: str, reason: str, most: int = 9) -> list[Refused]:
    """Those that are kept of the newest requests of a source that were refused for a reason."""
    of_reason = select(REFUSALS).where(REFUSALS.c.source == source, REFUSALS.c.reason == reason)
    rows = await fetch(connection, RefusalRow, of_reason.order_by(REFUSALS.c.id.desc()).limit(most))
    kept = await fetch(
        connection, RefusedRequestRow, select(REQUESTS).where(REQUESTS.c.id.in_([row.id for row in rows]))
    )
    requests = {row.id: row for row in kept}
    return [Refused(row, requests[row.id]) for row in rows if row.id in requests]


async def taken_in(connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Of these refusals those whose request was taken in later: when, and as which receipt."""
    columns = select(REQUESTS.c.id, REQUESTS.c.taken_in_at, REQUESTS.c.receipt_id)
    found: dict[int, tuple[int, int]] = {}
    for start in range(0, len(numbers), _PORTION):
        ours = REQUESTS.c.id.in_(list(numbers[start : start + _PORTION]))
        rows = await connection.execute(columns.where(ours, REQUESTS.c.taken_in_at.is_not(None)))
        found |= {row[0]: (row[1], row[2]) for row in rows}
    return found


async def get(connection: AsyncConnection, number: int) -> RefusedRequestRow | None:
    return await fetch_one(connection, RefusedRequestRow, select(REQUESTS).where(REQUESTS.c.id == number))
