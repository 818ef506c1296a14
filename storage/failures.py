"""Failures: one row for each fact that ever held for a job. Cleared when it no longer holds, never deleted."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import FailureRow, JobRow
from storage.counting import count
from storage.jobs import Identity, identities
from storage.listing import Part, newest_of
from storage.rows import add, fetch, fetch_one, table

FAILURES = table(FailureRow)
_OF_JOB = select(FAILURES).where(FAILURES.c.job == bindparam("job")).order_by(FAILURES.c.id)


@dataclass(frozen=True, slots=True)
class Named:
    """A failure as classification names it."""

    category: str
    code: str
    subject: str
    message: str
    evidence: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.category, self.code, self.subject


@dataclass(frozen=True, slots=True)
class Changed:
    """The failures that begin to hold, and those that hold no more, as they are from now on."""

    began: Sequence[FailureRow] = ()
    cleared: Sequence[FailureRow] = ()


async def sync(
    connection: AsyncConnection, job: JobRow, named: Sequence[Named], new_id: Callable[[], int], now: int
) -> Changed:
    """Make the job's rows say just what holds now: new ones appear, others are cleared, returning ones are uncleared."""
    known = {(row.category, row.code, row.subject): row for row in await of_job(connection, job.id)}
    began, cleared, counted = [], [], Counter[str]()
    for failure in named:
        row = known.pop(failure.key, None)
        fresh = _row(new_id() if row is None else row.id, job, failure, now)
        if row is None:
            await add(connection, fresh)
        else:
            await _renew(connection, row, failure, now)
        if row is None or row.cleared_at is not None:
            began.append(fresh)
            counted[f"began.{fresh.category}.{fresh.code}"] += 1
    for row in known.values():
        if row.cleared_at is None:
            gone = {"cleared_at": now, "holds": 0}
            await connection.execute(update(FAILURES).where(FAILURES.c.id == row.id).values(**gone))
            cleared.append(FailureRow(**{**row.model_dump(), **gone}))
            counted[f"cleared.{row.category}.{row.code}"] += 1
    await count(connection, job.source, counted, now)
    return Changed(began, cleared)


async def get(connection: AsyncConnection, number: int) -> FailureRow | None:
    return await fetch_one(connection, FailureRow, select(FAILURES).where(FAILURES.c.id == number))


async def of_job(connection: AsyncConnection, job: int) -> list[FailureRow]:
    return await fetch(connection, FailureRow, _OF_JOB, job=job)


async def of_jobs(connection: AsyncConnection, jobs: Sequence[int]) -> list[FailureRow]:
    """The failures that hold now for some jobs, oldest first."""
    condition = FAILURES.c.job.in_(jobs) & FAILURES.c.cleared_at.is_(None)
    return sorted(await fetch(connection, FailureRow, select(FAILURES).where(condition)), key=lambda row: row.id)


async def newest(
    connection: AsyncConnection,
    part: Part,
    source: str | None = None,
    category: str | None = None,
    code: str | None = None,
    cleared: bool = False,
) -> list[tuple[FailureRow, Identity]]:
    """Failures with the jobs that they are of, newest first; those that no longer hold only when asked for."""
    statement = part.of(select(FAILURES), FAILURES.c.id)
    for column, value in ((FAILURES.c.source, source), (FAILURES.c.category, category), (FAILURES.c.code, code)):
        statement = statement if value is None else statement.where(column == value)
    kept = (1, 0) if cleared else (1,)
    found = [await fetch(connection, FailureRow, statement.where(FAILURES.c.holds == holds)) for holds in kept]
    rows = newest_of(found, part, lambda row: row.id)
    about = await identities(connection, {row.job for row in rows})
    return [(row, about[row.job]) for row in rows]


async def _renew(connection: AsyncConnection, row: FailureRow, failure: Named, now: int) -> None:
    evidence = json.dumps(failure.evidence, sort_keys=True)
    if row.cleared_at is None and (row.message, row.evidence) == (failure.message, evidence):
        return
    values: dict[str, Any] = {"message": failure.message, "evidence": evidence, "cleared_at": None, "holds": 1}
    if row.cleared_at is not None:
        values["detected_at"] = now
    await connection.execute(update(FAILURES).where(FAILURES.c.id == row.id).values(**values))


def _row(number: int, job: JobRow, failure: Named, now: int) -> FailureRow:
    return FailureRow(
        id=number,
        job=job.id,
        source=job.source,
        category=failure.category,
        code=failure.code,
        subject=failure.subject,
        message=failure.message,
        evidence=json.dumps(failure.evidence, sort_keys=True),
        detected_at=now,
    )
