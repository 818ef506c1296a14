"""One job of the account: what was ordered, what has become of it, and what was told of it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf, nextafter
from typing import Any

from sandbox.clock import Clock
from sandbox.thunderbit import life
from sandbox.thunderbit.life import End
from sandbox.thunderbit.pages import DEFAULT_ERROR, error_of
from sandbox.thunderbit.scenarios import STATUS_FAULTS, Scenario

CREDITS = {"distill": 1, "extract": 20}
STALE = 20.0  # seconds of life for which `status_stale` answers lag behind the announcement
OF_THE_JOB = "PIPELINE_ERROR"


@dataclass(frozen=True)
class WebhookChoice:
    """Where a job's webhook goes. Without a secret it is not signed."""

    url: str
    secret: str | None = None


@dataclass(frozen=True)
class Order:
    """The create call, validated. `kind` is distill or extract; of `schema` distill knows nothing."""

    kind: str
    urls: tuple[str, ...]
    schema: dict[str, Any]
    webhook: WebhookChoice | None = None


@dataclass(frozen=True)
class Row:
    """One URL by its place in the order; `error` is there once it has failed."""

    index: int
    url: str
    status: str
    error: str | None = None

    @property
    def finished(self) -> bool:
        return self.status in {life.SUCCEEDED, life.FAILED}


@dataclass(frozen=True)
class Snapshot:
    """A job at one moment, in the words of the newest guides. `error` is that of a job that has failed as a whole."""

    status: str
    rows: tuple[Row, ...]
    credits: int
    error: str | None = None

    @property
    def terminal(self) -> bool:
        return self.status in life.TERMINAL

    def count(self, status: str) -> int:
        return sum(row.status == status for row in self.rows)


@dataclass(kw_only=True)
class Job:
    """`faults` are the status answers that are still to go wrong; `first_told` is set once the first attempt has ended.

    `told_at` is when the first attempt began, or the end of a job of which nothing is told.
    """

    id: str
    order: Order
    scenario: Scenario
    created_at: datetime
    faults: deque[tuple[str, int]]
    cancel_asked: float | None = None
    told_at: datetime | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    first_told: asyncio.Event = field(default_factory=asyncio.Event)
    gets: int = 0
    deletes: int = 0
    is_deleted: bool = False
    is_at_rest: bool = False
    attempts: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def end(self) -> End:
        """As things stand."""
        return life.end_of(life.fate_of(self.scenario), len(self.order.urls), self.cancel_asked)

    def ended_at(self, clock: Clock) -> datetime:
        return clock.later(self.created_at, self.end.at)

    def is_over(self, clock: Clock, now: datetime) -> bool:
        return clock.lived(self.created_at, now) >= self.end.at


def planned_faults(scenario: Scenario, each: int) -> deque[tuple[str, int]]:
    """The words, one after the other and each so often, counted from 0."""
    return deque((word, turn) for word in STATUS_FAULTS if word in scenario for turn in range(each))


def snapshot(job: Job, lived: float) -> Snapshot:
    """The truth after so many seconds of life."""
    fate, end = life.fate_of(job.scenario), job.end
    rows = tuple(
        _row(job, index, url, life.page_status(fate, end, index, lived)) for index, url in enumerate(job.order.urls)
    )
    status = life.status_at(fate, end, lived)
    earned = sum(row.status == life.SUCCEEDED for row in rows) * CREDITS[job.order.kind]
    return Snapshot(status, rows, earned, OF_THE_JOB if status == life.FAILED else None)


def _row(job: Job, index: int, url: str, status: str) -> Row:
    """Once it was read, a page shows whether it is one that fails."""
    if status == life.FAILED:
        return Row(index, url, status, OF_THE_JOB)
    error = error_of(url) or (DEFAULT_ERROR if "all_rows_fail" in job.scenario else None)
    if status == life.SUCCEEDED and error:
        return Row(index, url, life.FAILED, error)
    return Row(index, url, status)


def true_snapshot(job: Job, clock: Clock, now: datetime) -> Snapshot:
    return snapshot(job, clock.lived(job.created_at, now))


def answered_snapshot(job: Job, clock: Clock, now: datetime, lag: float) -> Snapshot:
    """What a status call gets to hear: the truth, or for `lag` seconds after the announcement that of the moment before it."""
    lag = max(lag, STALE if "status_stale" in job.scenario else 0.0)
    waits = job.told_at is None or clock.lived(job.told_at, now) < lag
    if lag and waits and job.is_over(clock, now):
        return snapshot(job, nextafter(job.end.at, -inf))
    return true_snapshot(job, clock, now)


def whole_second(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`, as the guides write it."""
    return (at - timedelta(microseconds=at.microsecond)).strftime("%Y-%m-%dT%H:%M:%SZ")
