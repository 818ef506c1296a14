"""The inbox: receipts that the judge has not seen. Only the judge sets a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import BodyRow, DeliveryRow, ReceiptRow
from schemas.words import Verdict
from storage.rows import Row, fetch, table

RECEIPTS, DELIVERIES, BODIES = table(ReceiptRow), table(DeliveryRow), table(BodyRow)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A receipt, the delivery that it is of, and the bytes that came."""

    receipt: ReceiptRow
    delivery: DeliveryRow
    body: bytes


async def waiting(connection: AsyncConnection, source: str, now: int, limit: int) -> list[Waiting]:
    """The oldest receipts without a verdict. Those set aside after an error of ours come again when their time is over."""
    chosen = (
        select(RECEIPTS)
        .where(RECEIPTS.c.source == source, RECEIPTS.c.verdict.is_(None), RECEIPTS.c.judge_after <= now)
        .order_by(RECEIPTS.c.id)
        .limit(limit)
    )
    receipts = await fetch(connection, ReceiptRow, chosen)
    deliveries = {
        row.id: row for row in await _with_ids(connection, DeliveryRow, [row.delivery_id for row in receipts])
    }
    bodies = {row.id: row.body for row in await _with_ids(connection, BodyRow, [row.body_id for row in receipts])}
    return [Waiting(row, deliveries[row.delivery_id], bodies.get(row.body_id, b"")) for row in receipts]


async def lock(connection: AsyncConnection, waiting: Sequence[Waiting]) -> None:
    """Lock the deliveries of a batch in the ledger's own order: judge and receiver then never wait for each other in a ring."""
    ids = {one.delivery.id for one in waiting}
    by_key = (DELIVERIES.c.source, DELIVERIES.c.kind, DELIVERIES.c.job_id, DELIVERIES.c.delivery_key)
    statement = select(DELIVERIES.c.id).where(DELIVERIES.c.id.in_(ids)).order_by(*by_key)
    await connection.execute(statement.with_for_update(key_share=True))


async def set_verdict(connection: AsyncConnection, receipt: ReceiptRow, verdict: Verdict) -> None:
    """Write a receipt's verdict. Its delivery shows the strongest of all its receipts', and the newest reported status."""
    await connection.execute(update(RECEIPTS).where(RECEIPTS.c.id == receipt.id).values(verdict=verdict.value))
    weaker = [word.value for word in Verdict if word.strength < verdict.strength]
    shown = case(
        (DELIVERIES.c.verdict.is_(None) | DELIVERIES.c.verdict.in_(weaker), verdict.value), else_=DELIVERIES.c.verdict
    )
    # One that was set aside is judged after newer ones, and must not hide what those reported.
    is_newest = DELIVERIES.c.last_received_at <= receipt.received_at
    reported = case((is_newest, receipt.reported_status), else_=DELIVERIES.c.reported_status)
    values = {"verdict": shown, "reported_status": reported}
    await connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == receipt.delivery_id).values(**values))


async def set_aside(connection: AsyncConnection, receipt_id: int, until: int) -> None:
    """After an error of ours with this receipt: it keeps its place, and the others go on."""
    await connection.execute(update(RECEIPTS).where(RECEIPTS.c.id == receipt_id).values(judge_after=until))


async def _with_ids(connection: AsyncConnection, row: type[Row], ids: Sequence[int]) -> list[Row]:
    found = table(row)
    return await fetch(connection, row, select(found).where(found.c.id.in_(set(ids))))
