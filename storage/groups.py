"""Groups: made once, with a fixed size; completed once."""

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import GroupRow, JobRow, LabelRow, SubmissionRow
from schemas.words import SubmissionState
from storage.listing import Part
from storage.rows import add, fetch, fetch_one, table

GROUPS, JOBS, SUBMISSIONS = table(GroupRow), table(JobRow), table(SubmissionRow)
LABELS = table(LabelRow)


async def store(connection: AsyncConnection, row: GroupRow) -> None:
    await add(connection, row)


async def get(connection: AsyncConnection, number: int) -> GroupRow | None:
    return await fetch_one(connection, GroupRow, select(GROUPS).where(GROUPS.c.id == number))


async def lock(connection: AsyncConnection, number: int) -> GroupRow | None:
    """A group that nobody else decides about until the caller's transaction ends."""
    return await fetch_one(connection, GroupRow, select(GROUPS).where(GROUPS.c.id == number).with_for_update())


async def awaits(connection: AsyncConnection, number: int) -> bool:
    """Whether any member may still bring something: its job is not ready, or there may be a job of it yet."""
    over = [state.value for state in SubmissionState if state.is_over]
    ready = exists().where(JOBS.c.submission_id == SUBMISSIONS.c.id, JOBS.c.ready_at.is_not(None))
    awaited = exists().where(SUBMISSIONS.c.group_id == number, SUBMISSIONS.c.state.not_in(over), ~ready)
    return bool(await connection.scalar(select(awaited)))


async def complete(connection: AsyncConnection, number: int, now: int) -> None:
    await connection.execute(update(GROUPS).where(GROUPS.c.id == number).values(completed_at=now))


async def newest(connection: AsyncConnection, part: Part, source: str | None = None) -> list[GroupRow]:
    statement = part.of(select(GROUPS), GROUPS.c.id)
    if source is not None:
        statement = statement.where(GROUPS.c.source == source)
    return await fetch(connection, GroupRow, statement)


async def labelled(connection: AsyncConnection, part: Part, key: str, value: str) -> list[GroupRow]:
    """The newest groups with a label."""
    given = select(LABELS.c.subject).where(LABELS.c.key == key, LABELS.c.value == value)
    of_groups = given.where(exists().where(GROUPS.c.id == LABELS.c.subject))
    ids = list(await connection.scalars(part.of(of_groups, LABELS.c.subject)))
    return await fetch(connection, GroupRow, select(GROUPS).where(GROUPS.c.id.in_(ids)).order_by(GROUPS.c.id.desc()))
