"""Observations, kept as runs of equal answers, and the transitions that they caused."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import ObservationRow, TransitionRow
from schemas.words import Asked
from storage.rows import add, fetch, fetch_one, table

OBSERVATIONS, TRANSITIONS = table(ObservationRow), table(TransitionRow)
_NEWEST = select(OBSERVATIONS).where(OBSERVATIONS.c.job == bindparam("job")).order_by(OBSERVATIONS.c.id.desc())
_NEWEST_OWN = _NEWEST.where(
    OBSERVATIONS.c.asked.in_([asked.value for asked in Asked if asked.is_decisive]),
    OBSERVATIONS.c.status.is_not(None),
).limit(1)
_TRANSITIONS = select(TRANSITIONS).where(TRANSITIONS.c.job == bindparam("job")).order_by(TRANSITIONS.c.id).limit(1000)
_SAME = ("asked", "status", "native_status", "progress", "trouble", "http_status", "message", "flag", "details")


async def observe(connection: AsyncConnection, row: ObservationRow) -> int:
    """Keep an answer: as one more of the same as the job's last one, or as a new row. The id of the row that holds it."""
    newest = select(OBSERVATIONS).where(OBSERVATIONS.c.job == row.job).order_by(OBSERVATIONS.c.id.desc()).limit(1)
    last = await fetch_one(connection, ObservationRow, newest)
    if last is None or any(getattr(last, name) != getattr(row, name) for name in _SAME):
        await add(connection, row)
        return row.id
    values = {"last_seen_at": row.last_seen_at, "times_seen": last.times_seen + 1}
    await connection.execute(update(OBSERVATIONS).where(OBSERVATIONS.c.id == last.id).values(**values))
    return last.id


def details(values: Mapping[str, Any]) -> str:
    """What an answer said beside its status, for showing."""
    return json.dumps(values, sort_keys=True)


async def record(connection: AsyncConnection, row: TransitionRow) -> None:
    await add(connection, row)


async def of_job(connection: AsyncConnection, job: int, limit: int) -> list[ObservationRow]:
    """The newest runs of a job, newest first."""
    return await fetch(connection, ObservationRow, _NEWEST.limit(limit), job=job)


async def newest_own(connection: AsyncConnection, job: int) -> ObservationRow | None:
    """The newest answer about a job's status to a question about that job alone."""
    return await fetch_one(connection, ObservationRow, _NEWEST_OWN, job=job)


async def transitions_of(connection: AsyncConnection, job: int) -> list[TransitionRow]:
    return await fetch(connection, TransitionRow, _TRANSITIONS, job=job)
