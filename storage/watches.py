"""Watches: who looks at which job just now. Written by whoever looks, and read by the reconciler that owns the source.

A watch ends by itself when it is not renewed. `now` is the engine's lease clock, one for all who share the store: a number,
or an SQL expression of the server's own time.
"""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import JobRow, WatchRow
from schemas.words import OPEN
from storage.rows import fetch, table
from storage.wake import wake

WATCHES, JOBS = table(WatchRow), table(JobRow)


async def begin(connection: AsyncConnection, number: int, job: JobRow, length: int, now: Any) -> None:
    """Begin to watch a job, for `length` from now; `number` is the watch's own id."""
    await connection.execute(insert(WATCHES).values(id=number, job=job.id, source=job.source, until=now + length))
    await wake(connection)


async def renew(connection: AsyncConnection, number: int, length: int, now: Any) -> bool:
    """Prolong a watch by `length` from now. False: it is not there any more."""
    result = await connection.execute(update(WATCHES).where(WATCHES.c.id == number).values(until=now + length))
    return bool(result.rowcount)


async def end(connection: AsyncConnection, number: int) -> None:
    """Look no more."""
    await connection.execute(delete(WATCHES).where(WATCHES.c.id == number))
    await wake(connection)


async def watched(connection: AsyncConnection, source: str, limit: int, now: Any) -> list[JobRow]:
    """The open jobs of a source that somebody watches, by id."""
    lively = select(WATCHES.c.job).where(WATCHES.c.source == source, WATCHES.c.until > now)
    statement = select(JOBS).where(JOBS.c.id.in_(lively), JOBS.c.status.in_([status.value for status in OPEN]))
    return await fetch(connection, JobRow, statement.order_by(JOBS.c.id).limit(limit))
