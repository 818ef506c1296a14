"""The life of a batch at the provider: a pure function of how long it has lived and when a cancel was asked.

All times are seconds of life. At speed 1 a second of life is a second of the wall.
"""

from dataclasses import dataclass
from math import floor, inf

from sandbox.scenarios import Scenario

VALIDATING = 30.0
IN_PROGRESS = 480.0
FINALIZING = 30.0
WORKS_LONG = 1800.0
END = VALIDATING + IN_PROGRESS + FINALIZING  # on a usual day
CANCELLING = 20.0
CANCELLING_LATE = 300.0
FILES_LATE = 120.0
RECOVERED = 120.0  # when the gateway finds what it submitted without hearing of it

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True)
class Fate:
    """What will become of a batch, and how a cancel would fare."""

    end: str = "completed"
    cancelling: float = CANCELLING
    cancel_wins: bool = True
    cancel_comes_last: bool = False  # the batch ends in the very moment in which it is to be cancelled
    works: float = IN_PROGRESS

    @property
    def lives(self) -> float:
        """Until it ends, if nobody cancels it."""
        return VALIDATING + self.works + FINALIZING


@dataclass(frozen=True)
class Stage:
    """A native status and the second of life at which it begins."""

    status: str
    begins: float


def fate_of(scenario: Scenario) -> Fate:
    end = "failed" if "fails" in scenario else "expired" if "expires" in scenario else "completed"
    cancelling = {"cancel_late": CANCELLING_LATE, "cancel_at_once": 0.0}
    takes = next((seconds for word, seconds in cancelling.items() if word in scenario), CANCELLING)
    works = WORKS_LONG if "works_long" in scenario else IN_PROGRESS
    return Fate(end, takes, "cancel_loses" not in scenario, "cancel_too_late" in scenario, works)


def unknown_until(scenario: Scenario) -> float:
    """The second of life at which the gateway learns the provider's id; never, of what the provider refused."""
    if "create_refused" in scenario:
        return inf
    return RECOVERED if "create_unknown" in scenario or "create_unstored" in scenario else 0.0


def stages(fate: Fate, cancel_asked: float | None) -> list[Stage]:
    """Every stage that this life goes through, in order, the future included. A life that is cut short hurries through them."""
    undisturbed = [
        Stage("validating", 0.0),
        Stage("in_progress", VALIDATING),
        Stage("finalizing", VALIDATING + fate.works),
        Stage(fate.end, fate.lives),
    ]
    if cancel_asked is None:
        return undisturbed
    if fate.cancel_comes_last:
        return [Stage(stage.status, min(stage.begins, cancel_asked)) for stage in undisturbed]
    lived = [stage for stage in undisturbed if stage.begins <= cancel_asked]
    last = Stage("cancelled", cancel_asked + fate.cancelling) if fate.cancel_wins else undisturbed[-1]
    return [*lived, Stage("cancelling", cancel_asked), last]


def stages_so_far(fate: Fate, cancel_asked: float | None, lived: float) -> list[Stage]:
    return [stage for stage in stages(fate, cancel_asked) if stage.begins <= max(lived, 0.0)]


def end_of(fate: Fate, cancel_asked: float | None) -> float:
    return stages(fate, cancel_asked)[-1].begins


def rows_done(fate: Fate, cancel_asked: float | None, lived: float, total: int) -> int:
    """How many rows the provider has worked off: none for a batch that fails, half for one that expires."""
    if fate.end == "failed":
        return 0
    if cancel_asked is not None and fate.cancel_comes_last:
        lived = fate.lives
    elif cancel_asked is not None and fate.cancel_wins:
        lived = min(lived, cancel_asked)
    share = min(max((lived - VALIDATING) / fate.works, 0.0), 1.0)
    most = total // 2 if fate.end == "expired" else total
    return floor(share * most)
