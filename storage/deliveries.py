"""Deliveries and receipts as they are read. Only the ledger inserts them, and only the judge sets their verdict."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import BodyRow, DeliveryRow, ReceiptRow, RefusalRow
from storage.rows import fetch, fetch_one, table

MOST_OF_A_JOB = 1000
DELIVERIES, RECEIPTS, REFUSALS = table(DeliveryRow), table(ReceiptRow), table(RefusalRow)
BODIES = table(BodyRow)


async def of_job(
    connection: AsyncConnection, identity: tuple[str, str, str], keys: Collection[str] = ()
) -> list[DeliveryRow]:
    """The deliveries of a job (source, kind, provider's id), oldest first: some of them, and surely those with these keys."""
    source, kind, job_id = identity
    ours = select(DELIVERIES).where(
        DELIVERIES.c.source == source, DELIVERIES.c.kind == kind, DELIVERIES.c.job_id == job_id
    )
    # As they lie in the index of identities; by id it would not be used.
    found = await fetch(connection, DeliveryRow, ours.order_by(DELIVERIES.c.delivery_key).limit(MOST_OF_A_JOB))
    if len(found) == MOST_OF_A_JOB and keys:
        found += await fetch(connection, DeliveryRow, ours.where(DELIVERIES.c.delivery_key.in_(keys)))
    return sorted({row.id: row for row in found}.values(), key=lambda row: row.id)


async def receipts_of(connection: AsyncConnection, delivery: int, limit: int) -> list[ReceiptRow]:
    """The first receipts of a delivery, oldest first."""
    statement = select(RECEIPTS).where(RECEIPTS.c.delivery_id == delivery).order_by(RECEIPTS.c.id).limit(limit)
    return await fetch(connection, ReceiptRow, statement)


async def newest_body(connection: AsyncConnection, identity: tuple[str, str, str]) -> tuple[ReceiptRow, bytes] | None:
    """The newest receipt about a job (source, kind, provider's id) whose bytes are still kept, and they."""
    source, kind, job_id = identity
    ours = select(DELIVERIES.c.id).where(
        DELIVERIES.c.source == source, DELIVERIES.c.kind == kind, DELIVERIES.c.job_id == job_id
    )
    with_bytes = (
        select(RECEIPTS).join(BODIES, BODIES.c.id == RECEIPTS.c.body_id).where(RECEIPTS.c.delivery_id.in_(ours))
    )
    receipt = await fetch_one(connection, ReceiptRow, with_bytes.order_by(RECEIPTS.c.id.desc()).limit(1))
    if receipt is None:
        return None
    body = await connection.scalar(select(BODIES.c.body).where(BODIES.c.id == receipt.body_id))
    return None if body is None else (receipt, bytes(body))


async def newest(connection: AsyncConnection, limit: int | None, source: str | None = None) -> list[DeliveryRow]:
    statement = select(DELIVERIES).order_by(DELIVERIES.c.id.desc()).limit(limit)
    if source is not None:
        statement = statement.where(DELIVERIES.c.source == source)
    return await fetch(connection, DeliveryRow, statement)


async def newest_refusals(
    connection: AsyncConnection, limit: int | None, source: str | None = None
) -> list[RefusalRow]:
    statement = select(REFUSALS).order_by(REFUSALS.c.id.desc()).limit(limit)
    if source is not None:
        statement = statement.where(REFUSALS.c.source == source)
    return await fetch(connection, RefusalRow, statement)
