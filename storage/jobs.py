"""Jobs: born once, found in several ways, changed by whoever holds their source's lease."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import FailureRow, JobRow, LabelRow
from schemas.words import OPEN, Origin
from storage import group_tallies
from storage.counting import count
from storage.listing import Part, begins_with, newest_of
from storage.rows import fetch, fetch_one, table, upsert
from storage.wake import wake

JOBS, FAILURES, LABELS = table(JobRow), table(FailureRow), table(LabelRow)
_ONE = select(JOBS).where(JOBS.c.id == bindparam("number"))
_PORTION = 500  # a statement takes only so many values


class Identity(NamedTuple):
    """What names a job, here and at its provider. Far less than its row."""

    id: int
    source: str
    kind: str
    job_id: str


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
    async with group_tallies.kept(connection, submission_id):
        await connection.execute(_inserted_or_completed(connection, row))
    await wake(connection)
    born = await by_identity(connection, source, kind, job_id)
    if born is None:
        raise LookupError(f"{job_id} is not there after it was inserted")
    if born.id == number:
        await count(connection, source, {f"born.{origin}": 1}, now)
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
    return await fetch_one(connection, JobRow, _ONE, number=number)


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
    """What concerns its group is counted there."""
    members = []
    if changes.keys() & group_tallies.OF_JOB:
        members = [await group_tallies.submission_of(connection, number), changes.get("submission_id")]
    async with group_tallies.kept(connection, *members):
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


async def newest_of_group(connection: AsyncConnection, part: Part, group: int) -> list[JobRow]:
    return await fetch(connection, JobRow, part.of(select(JOBS).where(JOBS.c.group_id == group), JOBS.c.id))


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
    connection: AsyncConnection,
    part: Part,
    source: str | None = None,
    kind: str | None = None,
    status: Collection[str] = (),
    in_trouble: bool = False,
) -> list[JobRow]:
    """The newest jobs, by equality. Each status is asked for alone, so that an index answers in order."""
    statement = part.of(select(JOBS), JOBS.c.id)
    for column, value in ((JOBS.c.source, source), (JOBS.c.kind, kind)):
        statement = statement if value is None else statement.where(column == value)
    if in_trouble:
        statement = statement.where(JOBS.c.trouble.is_not(None))
    if not status:
        return await fetch(connection, JobRow, statement)
    words = sorted(set(status))
    found = [await fetch(connection, JobRow, statement.where(JOBS.c.status == word)) for word in words]
    return newest_of(found, part, lambda row: row.id)


async def waiting_longest(connection: AsyncConnection, sources: Collection[str], limit: int) -> list[JobRow]:
    """The oldest jobs that have no result yet, oldest first: the open ones, and those that ended and are among the oldest of
    their source that are not settled."""
    oldest = _oldest_waiting(tuple(sorted(sources)), limit)
    found = await _these(connection, set(await connection.scalars(oldest)))
    return sorted((row for row in found if row.ready_at is None), key=lambda row: row.id)[:limit]


@lru_cache(maxsize=8)
def _oldest_waiting(sources: tuple[str, ...], limit: int) -> CompoundSelect[Any]:
    """The statement is made once: that takes longer than its answer."""
    conditions = [JOBS.c.status == status.value for status in OPEN]
    conditions += [(JOBS.c.source == source) & JOBS.c.settled_at.is_(None) for source in sources]
    return union_all(*(select(_oldest(condition, limit).subquery()) for condition in conditions))


def _oldest(condition: ColumnElement[bool], limit: int) -> Select[Any]:
    return select(JOBS.c.id).where(condition).order_by(JOBS.c.id).limit(limit)


async def failing(
    connection: AsyncConnection,
    part: Part,
    category: str | None = None,
    code: str | None = None,
    source: str | None = None,
) -> list[JobRow]:
    """The newest jobs for which a failure of a category, or with a code, holds now."""
    chosen = select(FAILURES.c.job).where(FAILURES.c.cleared_at.is_(None)).group_by(FAILURES.c.job)
    for column, value in ((FAILURES.c.source, source), (FAILURES.c.category, category), (FAILURES.c.code, code)):
        chosen = chosen if value is None else chosen.where(column == value)
    return await _these(connection, list(await connection.scalars(part.of(chosen, FAILURES.c.job))))


async def labelled(connection: AsyncConnection, part: Part, key: str, value: str) -> list[JobRow]:
    """The newest jobs with a label."""
    given = select(LABELS.c.subject).where(LABELS.c.key == key, LABELS.c.value == value)
    of_jobs = given.where(exists().where(JOBS.c.id == LABELS.c.subject))
    return await _these(connection, list(await connection.scalars(part.of(of_jobs, LABELS.c.subject))))


async def with_prefix(connection: AsyncConnection, part: Part, prefix: str, source: str | None = None) -> list[JobRow]:
    """The jobs whose provider's id begins so, by that id; those after the one with our id `part.before`."""
    statement = select(JOBS).where(*begins_with(JOBS.c.job_id, prefix))
    if source is not None:
        statement = statement.where(JOBS.c.source == source)
    last = None if part.before is None else await get(connection, part.before)
    if last is not None:
        statement = statement.where(tuple_(JOBS.c.job_id, JOBS.c.id) > (last.job_id, last.id))
    return await fetch(connection, JobRow, statement.order_by(JOBS.c.job_id, JOBS.c.id).limit(part.limit))


async def these(connection: AsyncConnection, ids: Collection[int]) -> dict[int, JobRow]:
    """Jobs by our ids."""
    return {row.id: row for row in await _these(connection, ids)}


async def identities(connection: AsyncConnection, ids: Collection[int]) -> dict[int, Identity]:
    """What names each of some jobs, by our ids."""
    found: dict[int, Identity] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _PORTION):
        portion = JOBS.c.id.in_(wanted[start : start + _PORTION])
        rows = await connection.execute(select(JOBS.c.id, JOBS.c.source, JOBS.c.kind, JOBS.c.job_id).where(portion))
        found |= {row.id: Identity(*row) for row in rows}
    return found


async def _these(connection: AsyncConnection, ids: Collection[int]) -> list[JobRow]:
    """Jobs by our ids, newest first."""
    found: list[JobRow] = []
    wanted = sorted(ids, reverse=True)
    for start in range(0, len(wanted), _PORTION):
        portion = JOBS.c.id.in_(wanted[start : start + _PORTION])
        found += await fetch(connection, JobRow, select(JOBS).where(portion).order_by(JOBS.c.id.desc()))
    return found
