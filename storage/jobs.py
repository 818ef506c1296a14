"""Jobs: born once, found in several ways, changed by whoever holds their source's lease."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Insert, Select, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import JobRow
from schemas.words import OPEN, Origin
from storage.rows import fetch, fetch_one, table, upsert
from storage.wake import wake

JOBS = table(JobRow)
_PORTION = 500  # a statement takes only so many values


async def bear(
    connection: AsyncConnection,
    number: int,
    identity: tuple[str, str, str],
    origin: Origin,
    now: int,
    has_webhook: bool | None = None,
    hands_on: bool = False,
    cancel_at: int | None = None,
    submission_id: int | None = None,
    group_id: int | None = None,
) -> JobRow:
    """Take in a job by (source, kind, provider's job id), unknown and due at once; one that is known already stays as it is.

    A job that was heard of before its submission was answered gets the submission that it came from. One that is to be handed
    on from now on is asked about once more, and is ready only when its outputs are here.
    """
    source, kind, job_id = identity
    row = JobRow(
        id=number,
        source=source,
        kind=kind,
        job_id=job_id,
        origin=origin.value,
        submission_id=submission_id,
        group_id=group_id,
        has_webhook=None if has_webhook is None else int(has_webhook),
        hands_on=int(hands_on),
        cancel_at=cancel_at,
        created_at=now,
        updated_at=now,
        due_at=now,
    )
    await connection.execute(_inserted_or_completed(connection, row))
    await wake(connection)
    born = await by_identity(connection, source, kind, job_id)
    if born is None:
        raise LookupError(f"{job_id} is not there after it was inserted")
    return born


def _inserted_or_completed(connection: AsyncConnection, row: JobRow) -> Insert:
    """A job that is known learns only what nobody had told of it; it may begin to be handed on, and never ends to be."""
    statement = upsert(connection, JOBS).values(**row.model_dump())
    new = statement.excluded
    begins_to_hand_on = (JOBS.c.hands_on == 0) & (new.hands_on == 1)
    learnt = ("submission_id", "group_id", "has_webhook", "cancel_at")
    return statement.on_conflict_do_update(
        index_elements=["source", "kind", "job_id"],
        set_={
            **{name: func.coalesce(JOBS.c[name], new[name]) for name in learnt},
            "hands_on": case((begins_to_hand_on, 1), else_=JOBS.c.hands_on),
            "due_at": case((begins_to_hand_on, new.due_at), else_=JOBS.c.due_at),
            **{name: case((begins_to_hand_on, None), else_=JOBS.c[name]) for name in ("ready_at", "settled_at")},
        },
    )


async def get(connection: AsyncConnection, number: int) -> JobRow | None:
    return await fetch_one(connection, JobRow, select(JOBS).where(JOBS.c.id == number))


async def by_identity(connection: AsyncConnection, source: str, kind: str, job_id: str) -> JobRow | None:
    condition = and_(JOBS.c.source == source, JOBS.c.kind == kind, JOBS.c.job_id == job_id)
    return await fetch_one(connection, JobRow, select(JOBS).where(condition))


async def by_identities(
    connection: AsyncConnection, source: str, identities: Collection[tuple[str, str]]
) -> list[JobRow]:
    """Those of the (kind, provider's job id) that are known."""
    found: list[JobRow] = []
    wanted = sorted(identities)
    for kind in sorted({kind for kind, _ in wanted}):
        names = [job_id for each, job_id in wanted if each == kind]
        for start in range(0, len(names), _PORTION):
            portion = JOBS.c.job_id.in_(names[start : start + _PORTION])
            statement = select(JOBS).where(JOBS.c.source == source, JOBS.c.kind == kind, portion)
            found += await fetch(connection, JobRow, statement)
    return found


async def named(connection: AsyncConnection, job_id: str, source: str | None = None) -> list[JobRow]:
    """The jobs with this provider's id, in one source or in any."""
    statement = select(JOBS).where(JOBS.c.job_id == job_id)
    if source is not None:
        statement = statement.where(JOBS.c.source == source)
    return await fetch(connection, JobRow, statement.order_by(JOBS.c.id).limit(10))


# Two statements, each of which an index answers in order; one would read every open job to sort them.


async def wanted_due(
    connection: AsyncConnection, source: str, now: int, limit: int, without: Collection[int]
) -> list[JobRow]:
    """The wanted jobs to ask about now, by how long they are due."""
    return await fetch(connection, JobRow, _due(source, now, limit, without).where(JOBS.c.wanted_at.is_not(None)))


async def routine_due(
    connection: AsyncConnection, source: str, now: int, limit: int, without: Collection[int]
) -> list[JobRow]:
    """The other jobs to ask about now, by how long they are due."""
    return await fetch(connection, JobRow, _due(source, now, limit, without).where(JOBS.c.wanted_at.is_(None)))


def _due(source: str, now: int, limit: int, without: Collection[int]) -> Select[Any]:
    return (
        select(JOBS)
        .where(JOBS.c.source == source, JOBS.c.due_at <= now, JOBS.c.id.not_in(list(without)))
        .order_by(JOBS.c.due_at, JOBS.c.id)
        .limit(limit)
    )


async def next_due(connection: AsyncConnection, source: str) -> int | None:
    """When the next job of a source falls due."""
    some_day = (JOBS.c.source == source) & JOBS.c.due_at.is_not(None)
    found: int | None = await connection.scalar(select(func.min(JOBS.c.due_at)).where(some_day))
    return found


async def match_due(connection: AsyncConnection, source: str, now: int, limit: int) -> list[JobRow]:
    """The jobs whose rows are to be matched now, by how long that is due."""
    due = select(JOBS).where(JOBS.c.source == source, JOBS.c.match_due_at <= now)
    return await fetch(connection, JobRow, due.order_by(JOBS.c.match_due_at).limit(limit))


async def next_match_due(connection: AsyncConnection, source: str) -> int | None:
    some_day = (JOBS.c.source == source) & JOBS.c.match_due_at.is_not(None)
    found: int | None = await connection.scalar(select(func.min(JOBS.c.match_due_at)).where(some_day))
    return found


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any], now: int) -> None:
    await connection.execute(update(JOBS).where(JOBS.c.id == number).values(**changes, updated_at=now))


async def stale(connection: AsyncConnection, source: str, now: int, limit: int) -> list[JobRow]:
    """The jobs that automation is to cancel now, by how long that is due."""
    statement = select(JOBS).where(JOBS.c.source == source, JOBS.c.cancel_at <= now)
    return await fetch(connection, JobRow, statement.order_by(JOBS.c.cancel_at, JOBS.c.id).limit(limit))


async def next_stale(connection: AsyncConnection, source: str) -> int | None:
    some_day = (JOBS.c.source == source) & JOBS.c.cancel_at.is_not(None)
    found: int | None = await connection.scalar(select(func.min(JOBS.c.cancel_at)).where(some_day))
    return found


async def of_group(connection: AsyncConnection, group: int) -> list[JobRow]:
    return await fetch(connection, JobRow, select(JOBS).where(JOBS.c.group_id == group).order_by(JOBS.c.id))


async def of_submissions(connection: AsyncConnection, submissions: Collection[int]) -> list[JobRow]:
    """The jobs that came of some submissions."""
    found: list[JobRow] = []
    wanted = sorted(submissions)
    for start in range(0, len(wanted), _PORTION):
        portion = JOBS.c.submission_id.in_(wanted[start : start + _PORTION])
        found += await fetch(connection, JobRow, select(JOBS).where(portion).order_by(JOBS.c.id))
    return found


async def adopted_open(connection: AsyncConnection, source: str, limit: int) -> int:
    """How many open jobs a source has by adoption, from deliveries or its list, counted no further than `limit`."""
    words, origins = [status.value for status in OPEN], [Origin.DELIVERY.value, Origin.SWEEP.value]
    adopted = select(JOBS.c.id).where(JOBS.c.source == source, JOBS.c.origin.in_(origins), JOBS.c.status.in_(words))
    count: int | None = await connection.scalar(select(func.count()).select_from(adopted.limit(limit).subquery()))
    return count or 0


async def newest(
    connection: AsyncConnection, limit: int | None, source: str | None = None, status: Collection[str] = ()
) -> list[JobRow]:
    statement = select(JOBS).order_by(JOBS.c.id.desc()).limit(limit)
    if source is not None:
        statement = statement.where(JOBS.c.source == source)
    if status:
        statement = statement.where(or_(*(JOBS.c.status == word for word in status)))
    return await fetch(connection, JobRow, statement)
