"""Deliveries and receipts as they are read. Only the ledger inserts them, and only the judge sets their verdict."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import BodyRow, DeliveryRow, ReceiptRow
from schemas.words import Verdict
from storage.listing import Part, begins_with
from storage.rows import fetch, fetch_one, table

DELIVERIES, RECEIPTS, BODIES = table(DeliveryRow), table(ReceiptRow), table(BodyRow)
_OF_JOB = select(DELIVERIES.c.id).where(
    DELIVERIES.c.source == bindparam("source"),
    DELIVERIES.c.kind == bindparam("kind"),
    DELIVERIES.c.job_id == bindparam("job_id"),
)
_NEWEST_WITH_BYTES = (
    select(RECEIPTS)
    .join(BODIES, BODIES.c.id == RECEIPTS.c.body_id)
    .where(RECEIPTS.c.delivery_id.in_(_OF_JOB))
    .order_by(RECEIPTS.c.id.desc())
    .limit(1)
)
MOST_OF_A_JOB = 1000
ODD_VERDICTS = (Verdict.CONFLICT, Verdict.UNKNOWN_JOB, Verdict.UNREADABLE)
# Just as the index of the odd ones has it: SQLite takes it for nothing that only follows from this.
_IS_ODD = DELIVERIES.c.verdict.in_([literal_column(f"'{word}'") for word in ODD_VERDICTS])
_PORTION = 500  # a statement takes only so many values


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


async def first_receipts(
    connection: AsyncConnection, numbers: Sequence[int], limit: int
) -> dict[int, list[ReceiptRow]]:
    """The first receipts of some deliveries, oldest first, by delivery."""
    found: dict[int, list[ReceiptRow]] = {}
    for start in range(0, len(numbers), _PORTION):
        ours = RECEIPTS.c.delivery_id.in_(numbers[start : start + _PORTION])
        place = func.row_number().over(partition_by=RECEIPTS.c.delivery_id, order_by=RECEIPTS.c.id)
        placed = select(RECEIPTS.c.id, place.label("place")).where(ours).subquery()
        statement = select(RECEIPTS).join(placed, placed.c.id == RECEIPTS.c.id).where(placed.c.place <= limit)
        for row in await fetch(connection, ReceiptRow, statement):
            found.setdefault(row.delivery_id, []).append(row)
    return {number: sorted(rows, key=lambda row: row.id) for number, rows in found.items()}


async def newest_body(connection: AsyncConnection, identity: tuple[str, str, str]) -> tuple[ReceiptRow, bytes] | None:
    """The newest receipt about a job (source, kind, provider's id) whose bytes are still kept, and they."""
    source, kind, job_id = identity
    receipt = await fetch_one(connection, ReceiptRow, _NEWEST_WITH_BYTES, source=source, kind=kind, job_id=job_id)
    if receipt is None:
        return None
    body = await connection.scalar(select(BODIES.c.body).where(BODIES.c.id == receipt.body_id))
    return None if body is None else (receipt, bytes(body))


async def newest(
    connection: AsyncConnection, part: Part, source: str | None = None, verdict: str | None = None
) -> list[DeliveryRow]:
    """The newest deliveries; by verdict only those that are odd: in conflict, about an unknown job, unreadable."""
    statement = part.of(select(DELIVERIES), DELIVERIES.c.id)
    if source is not None:
        statement = statement.where(DELIVERIES.c.source == source)
    if verdict is not None:
        statement = statement.where(DELIVERIES.c.verdict == verdict, _IS_ODD)
    return await fetch(connection, DeliveryRow, statement)


async def named(
    connection: AsyncConnection, part: Part, sources: Collection[str], kinds: Collection[str], job_id: str
) -> list[DeliveryRow]:
    """The newest deliveries about jobs with this provider's id, whether we know such a job or not."""
    of_it = DELIVERIES.c.source.in_(sources) & DELIVERIES.c.kind.in_(kinds) & (DELIVERIES.c.job_id == job_id)
    # The id as a sum: else SQLite, which has no statistics here, may walk through all of a source in the order of its ids.
    return await fetch(connection, DeliveryRow, part.of(select(DELIVERIES).where(of_it), DELIVERIES.c.id + 0))


async def with_prefix(
    connection: AsyncConnection, part: Part, source: str, kind: str, prefix: str
) -> list[DeliveryRow]:
    """Those about jobs whose provider's id begins so, by that id and key; those after the one with the id `part.before`."""
    ours = (DELIVERIES.c.source == source) & (DELIVERIES.c.kind == kind)
    statement = select(DELIVERIES).where(ours, *begins_with(DELIVERIES.c.job_id, prefix))
    last = None if part.before is None else await get(connection, part.before)
    if last is not None:
        place = tuple_(DELIVERIES.c.job_id, DELIVERIES.c.delivery_key)
        statement = statement.where(place > (last.job_id, last.delivery_key))
    in_order = statement.order_by(DELIVERIES.c.job_id, DELIVERIES.c.delivery_key)
    return await fetch(connection, DeliveryRow, in_order.limit(part.limit))


async def get(connection: AsyncConnection, number: int) -> DeliveryRow | None:
    return await fetch_one(connection, DeliveryRow, select(DELIVERIES).where(DELIVERIES.c.id == number))


async def newest_receipts(connection: AsyncConnection, part: Part, delivery: int | None = None) -> list[ReceiptRow]:
    """The newest accepted requests, of one delivery or of all."""
    statement = part.of(select(RECEIPTS), RECEIPTS.c.id)
    if delivery is not None:
        statement = statement.where(RECEIPTS.c.delivery_id == delivery)
    return await fetch(connection, ReceiptRow, statement)


async def receipt(connection: AsyncConnection, number: int) -> ReceiptRow | None:
    return await fetch_one(connection, ReceiptRow, select(RECEIPTS).where(RECEIPTS.c.id == number))
