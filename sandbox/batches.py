"""One batch: what was ordered, what the provider says of it now, and what the gateway has stored so far.

The provider's word (`reading`) is a pure function of time. The gateway's stored row lags behind it and moves
only when somebody looks: a status call, a cancel, or the reconcile tick.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import floor
from typing import Any

from sandbox import life, rows
from sandbox.clock import Clock, unix
from sandbox.endpoints import WebhookChoice
from sandbox.jobs import STALE, Job
from sandbox.rows import Row

WINDOW = 86_400.0
STAMPS = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
RANKS = {"submitting": 0, "submission_unknown": 0, "validating": 1, "finalizing": 1, "cancelling": 1, "in_progress": 2}
# What is stored of a submission that went wrong, until more is known.
FIRST = {"create_unknown": "submission_unknown", "create_unstored": "submitting", "create_refused": "failed"}
PROMPT_NANOS, COMPLETION_NANOS = 125, 1_000


@dataclass(frozen=True)
class Order:
    """The create call, validated."""

    rows: tuple[Row, ...]
    endpoint: str
    completion_window: str
    input_file_id: str
    inline: bool
    metadata: dict[str, str]
    model: str | None = None
    session_id: str | None = None
    webhook: WebhookChoice | None = None


@dataclass(frozen=True)
class Reading:
    """The provider's word at one moment; stage times are unix seconds."""

    status: str
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    stamps: dict[str, int] = field(default_factory=dict)

    @property
    def terminal(self) -> bool:
        return self.status in life.TERMINAL


@dataclass(frozen=True)
class Bill:
    """What finalization settled; void where no row succeeded."""

    at: datetime
    prompt_tokens: int
    completion_tokens: int

    @property
    def nanos(self) -> int:
        return self.prompt_tokens * PROMPT_NANOS + self.completion_tokens * COMPLETION_NANOS


@dataclass(kw_only=True)
class Batch(Job):
    kind = "batch"
    plural = "batches"
    begins = life.VALIDATING

    order: Order
    output_file_id: str
    error_file_id: str
    stored: Reading = field(init=False)
    cancel_asked: float | None = None
    bill: Bill | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.fate = life.fate_of(self.scenario)
        self.unknown_until = life.unknown_until(self.scenario)
        self.stored = Reading(next((FIRST[word] for word in FIRST if word in self.scenario), "validating"))
        share = "all" if "all_rows_fail" in self.scenario else "some" if "rows_fail" in self.scenario else "none"
        self.failing = rows.failing_rows(len(self.order.rows), share)

    @property
    def webhook(self) -> WebhookChoice | None:
        return self.order.webhook

    @property
    def is_unsure(self) -> bool:
        """Stored without the provider's id, which may come yet."""
        return self.stored.status in {"submission_unknown", "submitting"}

    @property
    def known_native_id(self) -> str | None:
        """The provider's id, once the gateway knows it."""
        return None if self.is_unsure or "create_refused" in self.scenario else self.native_id

    def end(self) -> float:
        """The second of life at which the batch is over, as things stand."""
        return life.end_of(self.fate, self.cancel_asked)

    def files_at(self) -> float:
        """The second of life from which the object names its files."""
        return self.end() + (life.FILES_LATE if "output_late" in self.scenario else 0.0)

    def expires_at(self, clock: Clock) -> datetime:
        """A batch that is to expire gets a window as long as its life."""
        return clock.later(self.created_at, self.fate.lives if self.fate.end == "expired" else WINDOW)

    def store(self, reading: Reading) -> None:
        """The first terminal status stays; a lower rank does not replace a higher one (contract 3.8)."""
        if self.stored.terminal:
            if reading.terminal:
                self.stored = replace(reading, status=self.stored.status)
            return
        if not reading.terminal and RANKS[reading.status] < RANKS[self.stored.status]:
            reading = replace(reading, status=self.stored.status)
        self.stored = reading


@dataclass(frozen=True)
class Results:
    """Which rows ended in which file."""

    answered: list[Row]
    errors: list[dict[str, Any]]


def results(batch: Batch, clock: Clock, now: datetime) -> Results:
    """The rows worked off so far; once the batch is over, also those that never ran."""
    lived = clock.lived(batch.created_at, now)
    ordered = batch.order.rows
    done = life.rows_done(batch.fate, batch.cancel_asked, lived, len(ordered))
    answered = [row for index, row in enumerate(ordered[:done]) if index not in batch.failing]
    errors = [rows.refused_row(batch.id, ordered[index]) for index in sorted(batch.failing) if index < done]
    code = {"expired": "batch_expired", "cancelled": "batch_cancelled"}.get(_stage(batch, lived))
    if code:
        errors += [rows.unrun_row(batch.id, row, code) for row in ordered[done:]]
    return Results(answered, errors)


def reading(batch: Batch, clock: Clock, now: datetime) -> Reading:
    """What the provider says about this batch at this moment."""
    if "create_refused" in batch.scenario:
        return Reading("failed", stamps={"failed_at": unix(batch.created_at)})
    lived = clock.lived(batch.created_at, now)
    passed = life.stages_so_far(batch.fate, batch.cancel_asked, lived)
    status, found = passed[-1].status, results(batch, clock, now)
    begun = {stage.status: unix(clock.later(batch.created_at, stage.begins)) for stage in passed}
    named = status in life.TERMINAL and lived >= batch.files_at()
    return Reading(
        status,
        total=0 if status == "validating" else len(batch.order.rows),
        completed=len(found.answered),
        failed=len(found.errors),
        output_file_id=batch.output_file_id if named and found.answered else None,
        error_file_id=batch.error_file_id if named and found.errors else None,
        stamps={f"{stage}_at": begun[stage] for stage in STAMPS if stage in begun},
    )


def answered_reading(batch: Batch, clock: Clock, now: datetime) -> Reading:
    """What a status call gets to hear: the truth, or with `status_stale` the truth of a while ago."""
    true = reading(batch, clock, now)
    if "status_stale" not in batch.scenario or true.status in {"validating", "in_progress"}:
        return true
    if batch.told_at and clock.lived(batch.told_at, now) >= STALE:
        return true
    kept = {name: at for name, at in true.stamps.items() if name == "in_progress_at"}
    return replace(true, status="in_progress", output_file_id=None, error_file_id=None, stamps=kept)


def percent_done(found: Reading) -> int:
    """100 once completed, else the share of rows worked off, rounded half up; can be 100 before the end."""
    if found.status == "completed":
        return 100
    if not found.total:
        return 0
    return floor(100 * (found.completed + found.failed) / found.total + 0.5)


def may_finalize(found: Reading) -> bool:
    """A completed batch without an output file or without a good row never can (contract 4.4, hole 1)."""
    return found.terminal and (
        found.status != "completed" or (found.output_file_id is not None and found.completed > 0)
    )


def bill_for(found: Results, now: datetime) -> Bill:
    spent = [rows.usage_of(row) for row in found.answered]
    return Bill(now, sum(prompt for prompt, _ in spent), sum(completion for _, completion in spent))


def _stage(batch: Batch, lived: float) -> str:
    return life.stages_so_far(batch.fate, batch.cancel_asked, lived)[-1].status
