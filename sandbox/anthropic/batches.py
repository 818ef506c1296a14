"""One batch: a pure function of how long it has lived, of the cancel that was asked for, and of its scenario.

All times are seconds of life. At speed 1 a second of life is a second of the wall.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from math import floor
from typing import Any

from sandbox.anthropic.scenarios import STATUS_FAULTS
from sandbox.clock import Clock
from sandbox.scenarios import Scenario

LIFE = 240.0
CANCELING, CANCELING_LATE = 10.0, 100.0
FAULTS_OF_A_KIND = 3
ERRORED = "errored-"  # how the custom_id of a request begins that is to fail

# What an end is worth: the first of these that any request came to is what the batch came to, in the words of whoever asks.
WORTH = {"succeeded": "completed", "errored": "failed", "canceled": "cancelled", "expired": "expired"}


@dataclass(frozen=True)
class Row:
    """One request of the create call."""

    custom_id: str
    params: dict[str, Any]


@dataclass(kw_only=True)
class Batch:
    """One batch of the workspace. `faults` are the status answers that are still to go wrong."""

    id: str
    rows: tuple[Row, ...]
    scenario: Scenario
    created_at: datetime
    cancel_asked: float | None = None
    gets: int = 0
    cancels: int = 0
    faults: deque[str] = field(init=False)

    def __post_init__(self) -> None:
        words = [word for word in STATUS_FAULTS if word in self.scenario]
        self.faults = deque(word for word in words for _ in range(FAULTS_OF_A_KIND))

    @property
    def is_cut_short(self) -> bool:
        """A cancel was asked for and changes something."""
        return self.cancel_asked is not None and not self.scenario.words & {"cancel_loses", "cancel_too_late"}

    def end(self) -> float:
        """The second of life at which it is over, as things stand."""
        if self.cancel_asked is None or "cancel_loses" in self.scenario:
            return LIFE
        if "cancel_too_late" in self.scenario:
            return self.cancel_asked
        return self.cancel_asked + (CANCELING_LATE if "cancel_late" in self.scenario else CANCELING)

    def outcomes(self) -> tuple[str, ...]:
        """How each request ends, as things stand. They are worked off one after the other, at an even pace."""
        share = min((self.cancel_asked or 0.0) / LIFE, 1.0) if self.is_cut_short else 1.0
        done = floor(share * len(self.rows))
        return tuple(self._outcome(place) if place < done else "canceled" for place in range(len(self.rows)))

    def _outcome(self, place: int) -> str:
        scenario = self.scenario
        if "expires" in scenario or ("rows_expire" in scenario and place % 2 == 0):
            return "expired"
        is_bad = self.rows[place].custom_id.startswith(ERRORED) or "fails" in scenario
        return "errored" if is_bad or ("rows_fail" in scenario and place % 3 == 0) else "succeeded"


@dataclass(frozen=True)
class Reading:
    """The truth of one moment. `outcomes` are those of all requests once the batch is over, and none before."""

    processing_status: str
    outcomes: tuple[str, ...]
    ended_at: datetime | None
    cancel_initiated_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.processing_status == "ended"

    @property
    def worth(self) -> str | None:
        """What the batch came to; None while it goes on."""
        return next((WORTH[word] for word in WORTH if word in self.outcomes), None)


def reading(batch: Batch, clock: Clock, now: datetime) -> Reading:
    asked, end = batch.cancel_asked, batch.end()
    canceled_at = None if asked is None else clock.later(batch.created_at, asked)
    if clock.lived(batch.created_at, now) >= end:
        return Reading("ended", batch.outcomes(), clock.later(batch.created_at, end), canceled_at)
    return Reading("in_progress" if asked is None else "canceling", (), None, canceled_at)
