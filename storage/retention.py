"""What may be deleted, and how much of it at once. Only the prune round calls this; nothing unseen ever goes."""

from sqlalchemy import delete, exists, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.schema import Table

from schemas.ids import first_at
from schemas.tables import (
    ActionRow,
    BodyRow,
    DeliveryRow,
    FindingChangeRow,
    HandoffRow,
    IdempotencyRow,
    JobRow,
    ObservationRow,
    ReceiptRow,
    RefusalRow,
    RefusedRequestRow,
    ReverificationRow,
    TallyRow,
    TransitionRow,
    WatchRow,
)
from schemas.times import MINUTE
from storage.rows import table

BODIES, RECEIPTS, DELIVERIES = table(BodyRow), table(ReceiptRow), table(DeliveryRow)
REFUSALS, OBSERVATIONS, ACTIONS = table(RefusalRow), table(ObservationRow), table(ActionRow)
JOBS, TRANSITIONS, TALLIES = table(JobRow), table(TransitionRow), table(TallyRow)
CHANGES = table(FindingChangeRow)
REQUESTS, REVERIFICATIONS = table(RefusedRequestRow), table(ReverificationRow)
WATCHES, HANDOFFS, KEYS = table(WatchRow), table(HandoffRow), table(IdempotencyRow)

IDENTITY_DAYS = 30  # an identity forgotten sooner could be taken for new again by a replay


async def bodies(connection: AsyncConnection, before: int, limit: int) -> int:
    """Bytes whose every receipt is old and judged. Only receipts of one delivery, with one digest, share them."""
    first, holder = RECEIPTS.alias("first"), RECEIPTS.alias("holder")
    in_use = exists().where(
        first.c.id == BODIES.c.id,
        holder.c.delivery_id == first.c.delivery_id,
        holder.c.digest == first.c.digest,
        holder.c.body_id == BODIES.c.id,
        holder.c.verdict.is_(None) | (holder.c.received_at >= before),
    )
    return await _delete(connection, BODIES, ~in_use, before, limit)


async def receipts(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old receipts with a verdict, whose bytes are gone."""
    with_bytes = exists().where(BODIES.c.id == RECEIPTS.c.body_id)
    old = (RECEIPTS.c.received_at < before) & RECEIPTS.c.verdict.is_not(None)
    return await _delete(connection, RECEIPTS, old & ~with_bytes, before, limit)


async def orphans(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old deliveries of jobs that nobody took in, without a receipt left. Those of a job stay as long as the job."""
    of_job = exists().where(
        JOBS.c.source == DELIVERIES.c.source, JOBS.c.kind == DELIVERIES.c.kind, JOBS.c.job_id == DELIVERIES.c.job_id
    )
    with_receipt = exists().where(RECEIPTS.c.delivery_id == DELIVERIES.c.id)
    condition = (DELIVERIES.c.last_received_at < before) & ~of_job & ~with_receipt
    return await _delete(connection, DELIVERIES, condition, before, limit)


async def refusals(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old ones of which nothing more is kept."""
    with_request = exists().where(REQUESTS.c.id == REFUSALS.c.id)
    return await _delete(connection, REFUSALS, (REFUSALS.c.received_at < before) & ~with_request, before, limit)


async def refused_requests(connection: AsyncConnection, before: int, limit: int) -> int:
    """What was kept of refused requests. It goes before the refusals, so that none is left without its refusal."""
    return await _delete(connection, REQUESTS, true(), before, limit)


async def observations(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old answers about settled jobs; those that moved one stay."""
    settled = exists().where(JOBS.c.id == OBSERVATIONS.c.job, JOBS.c.settled_at.is_not(None))
    moved = exists().where(TRANSITIONS.c.observation == OBSERVATIONS.c.id)
    condition = (OBSERVATIONS.c.last_seen_at < before) & settled & ~moved
    return await _delete(connection, OBSERVATIONS, condition, before, limit)


async def actions(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old actions that are over, of settled jobs."""
    settled = exists().where(JOBS.c.id == ACTIONS.c.job, JOBS.c.settled_at.is_not(None))
    condition = (ACTIONS.c.asked_at < before) & ACTIONS.c.due_at.is_(None) & settled
    return await _delete(connection, ACTIONS, condition, before, limit)


async def reverifications(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old words of who took in what: they are kept as long as actions are."""
    return await _delete(connection, REVERIFICATIONS, true(), before, limit)


async def finding_changes(connection: AsyncConnection, before: int, limit: int) -> int:
    """Old words of what was found of a source; the finding itself stays."""
    return await _delete(connection, CHANGES, true(), before, limit)


async def handoffs(connection: AsyncConnection, before: int, limit: int) -> int:
    """Hand-offs that were done or withdrawn long ago, as only these have a time. One that waits or is dead stays, however old."""
    return await _delete(connection, HANDOFFS, HANDOFFS.c.done_at < before, before, limit)


async def watches(connection: AsyncConnection, before: int, limit: int) -> int:
    """Watches that lapsed, because whoever looked could not say that they look no more."""
    return await _delete(connection, WATCHES, WATCHES.c.until < before, before, limit)


async def idempotency_keys(connection: AsyncConnection, before: int) -> int:
    """Keys that nobody will send again."""
    result = await connection.execute(delete(KEYS).where(KEYS.c.created_at < before))
    return int(result.rowcount)


async def tallies(connection: AsyncConnection, before: int) -> int:
    result = await connection.execute(delete(TALLIES).where(TALLIES.c.minute < before // MINUTE))
    return int(result.rowcount)


async def _delete(
    connection: AsyncConnection, rows: Table, condition: ColumnElement[bool], before: int, limit: int
) -> int:
    # An id tells when it was made, so that the young rows, which are most of them, are not even looked at.
    chosen = select(rows.c.id).where(rows.c.id < first_at(before), condition).order_by(rows.c.id).limit(limit)
    # Locked first and looked at once more: on PostgreSQL somebody may have come to need one of them meanwhile.
    ids = (await connection.scalars(chosen.with_for_update(skip_locked=True))).all()
    if not ids:
        return 0
    result = await connection.execute(delete(rows).where(rows.c.id.in_(ids), condition))
    return int(result.rowcount)
