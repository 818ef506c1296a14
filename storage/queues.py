"""Queues: how much waits where, and since when the oldest of it. Counted no further than a bound, so that a long queue costs
no more than a short one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import made_at
from schemas.tables import HandoffRow, JobRow, ReceiptRow, SourceRow, SubmissionRow
from schemas.words import HandoffState
from storage.rows import table

JOBS, RECEIPTS, SOURCES = table(JobRow), table(ReceiptRow), table(SourceRow)
SUBMISSIONS, HANDOFFS = table(SubmissionRow), table(HandoffRow)

MOST = 1000


@dataclass(frozen=True, slots=True)
class OfSource:
    """What waits of one source. Times are microseconds since 1970; None: nothing waits."""

    inbox: int = 0  # receipts without a verdict, MOST at most
    inbox_since: int | None = None
    submissions_due: int = 0  # whose next step is due, MOST at most
    poll_due_at: int | None = None  # when the job was due whose turn it is next
    unsettled_since: int | None = None  # when the oldest job that is not settled was born here


@dataclass(frozen=True, slots=True)
class OfTarget:
    """What waits for one target of hand-offs, and what was given up, MOST at most of each."""

    waiting: int = 0
    waiting_since: int | None = None
    dead: int = 0


async def of_sources(connection: AsyncConnection, now: int) -> dict[str, OfSource]:
    """Of every source that ever ran here."""
    name = SOURCES.c.name
    in_inbox = (RECEIPTS.c.source == name) & RECEIPTS.c.verdict.is_(None)
    unsettled = (JOBS.c.source == name) & JOBS.c.settled_at.is_(None)
    due = (JOBS.c.source == name) & JOBS.c.due_at.is_not(None)
    steps = (SUBMISSIONS.c.source == name) & (SUBMISSIONS.c.due_at <= now)
    found = await connection.execute(
        select(
            name,
            _count(in_inbox),
            _first(RECEIPTS.c.id, in_inbox),
            _count(steps),
            _first(JOBS.c.due_at, due),
            _first(JOBS.c.id, unsettled),
        )
    )
    return {row[0]: OfSource(row[1], _made(row[2]), row[3], row[4], _made(row[5])) for row in found}


async def of_target(connection: AsyncConnection, target: str) -> OfTarget:
    """Of one target, configured or not."""
    waiting, dead = (
        (HANDOFFS.c.target == target) & (HANDOFFS.c.state == state.value)
        for state in (HandoffState.WAITING, HandoffState.DEAD)
    )
    found = await connection.execute(select(_count(waiting), _first(HANDOFFS.c.id, waiting), _count(dead)))
    row = found.one()
    return OfTarget(row[0], _made(row[1]), row[2])


def _count(condition: ColumnElement[bool]) -> Any:
    some = _correlated(select(literal(1)).where(condition)).limit(MOST).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _first(column: ColumnElement[int], condition: ColumnElement[bool]) -> Any:
    """By order and not by `min`: that way both stores take the index of the condition, and look at one entry."""
    return _correlated(select(column).where(condition)).order_by(column).limit(1).scalar_subquery()


def _correlated(statement: Select[Any]) -> Select[Any]:
    return statement.correlate(SOURCES)


def _made(number: int | None) -> int | None:
    return None if number is None else made_at(number)
