"""One batch, and what OpenAI says of it: a pure function of time, of the cancel that was asked for, and of its scenario."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sandbox import life, rows
from sandbox.clock import Clock, unix
from sandbox.life import Stage
from sandbox.openai.scenarios import STATUS_FAULTS
from sandbox.rows import Row
from sandbox.scenarios import Scenario

WINDOW = 86_400.0
FAULTS_OF_A_KIND = 3


@dataclass(frozen=True)
class Order:
    """The create call, validated. `problem`: why the input will not pass the validation that follows; "" where it will."""

    input_file_id: str
    endpoint: str
    metadata: Mapping[str, str]
    rows: tuple[Row, ...]
    problem: str = ""


@dataclass(kw_only=True)
class Batch:
    """One batch of the account. `faults` are the status answers that are still to go wrong."""

    id: str
    order: Order
    scenario: Scenario
    created_at: datetime
    output_file_id: str
    error_file_id: str
    cancel_asked: float | None = None
    gets: int = 0
    cancels: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)
    is_told: bool = False
    faults: deque[str] = field(init=False)

    def __post_init__(self) -> None:
        words = [word for word in STATUS_FAULTS if word in self.scenario]
        self.faults = deque(word for word in words for _ in range(FAULTS_OF_A_KIND))
        self.fate = life.fate_of(self.scenario)
        share = "all" if "all_rows_fail" in self.scenario else "some" if "rows_fail" in self.scenario else "none"
        self.failing = rows.failing_rows(len(self.order.rows), share)

    @property
    def problem(self) -> str:
        return self.order.problem or ("This line is not valid JSON." if self.fate.end == "failed" else "")

    def stages(self) -> list[Stage]:
        """Every stage that this life goes through. What fails does so in validation, before it was in progress."""
        if self.problem and self.cancel_asked is None:
            return [Stage("validating", 0.0), Stage("failed", life.VALIDATING)]
        return life.stages(self.fate, self.cancel_asked)

    def end(self) -> float:
        """The second of life at which the batch is over, as things stand."""
        return self.stages()[-1].begins


@dataclass(frozen=True)
class Reading:
    """The truth of one moment; stage times are unix seconds, by the names of their members."""

    status: str
    total: int
    answered: tuple[Row, ...]
    errors: tuple[dict[str, Any], ...]
    stamps: Mapping[str, int]

    @property
    def terminal(self) -> bool:
        return self.status in life.TERMINAL


def reading(batch: Batch, clock: Clock, now: datetime) -> Reading:
    lived = max(clock.lived(batch.created_at, now), 0.0)
    passed = [stage for stage in batch.stages() if stage.begins <= lived]
    status, ordered = passed[-1].status, batch.order.rows
    done = 0 if batch.problem else life.rows_done(batch.fate, batch.cancel_asked, lived, len(ordered))
    answered = tuple(row for place, row in enumerate(ordered[:done]) if place not in batch.failing)
    errors = [rows.refused_row(batch.id, ordered[place]) for place in sorted(batch.failing) if place < done]
    if code := {"expired": "batch_expired", "cancelled": "batch_cancelled"}.get(status):
        errors += [rows.unrun_row(batch.id, row, code) for row in ordered[done:]]
    return Reading(
        status,
        0 if status == "validating" or batch.problem else len(ordered),
        answered,
        tuple(errors),
        {f"{stage.status}_at": unix(clock.later(batch.created_at, stage.begins)) for stage in passed[1:]},
    )


def output_of(batch: Batch, found: Reading) -> bytes:
    """The output file: the rows that were answered, in no order that anybody could count on."""
    return _written(batch, [rows.answered_row(batch.id, row) for row in found.answered])


def errors_of(batch: Batch, found: Reading) -> bytes:
    return _written(batch, list(found.errors))


def _written(batch: Batch, lines: list[dict[str, Any]]) -> bytes:
    return rows.json_lines(Random(batch.id).sample(lines, len(lines)))
