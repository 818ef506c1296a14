"""The life of a job: a pure function of how long it has lived, how many pages it has and when a cancel was asked.

All times are seconds of life. Pages are read side by side: a job of one page takes 30 seconds, one of a hundred takes 60.
"""

from dataclasses import dataclass

from sandbox.thunderbit.scenarios import Scenario

PENDING, PROCESSING = "PENDING", "PROCESSING"
SUCCEEDED = "SUCCEEDED"
COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
TERMINAL = frozenset({COMPLETED, FAILED, CANCELLED})

QUEUED = 10.0
APART = 0.3  # between the beginnings of two pages
READING = 20.0  # of one page
CANCELLING = 2.0
CANCELLING_LATE = 20.0


@dataclass(frozen=True)
class Fate:
    """What will become of a job, and how a cancel would fare."""

    fails: bool = False
    at_once: bool = False
    cancelling: float = CANCELLING
    cancel_wins: bool = True
    cancel_comes_last: bool = False  # the job ends in the very moment in which it is to be cancelled


@dataclass(frozen=True)
class End:
    """How a job ends, as things stand, and at which second of life."""

    status: str
    at: float


def fate_of(scenario: Scenario) -> Fate:
    return Fate(
        fails="fails" in scenario,
        at_once="webhook_early" in scenario,
        cancelling=CANCELLING_LATE if "cancel_late" in scenario else CANCELLING,
        cancel_wins="cancel_loses" not in scenario,
        cancel_comes_last="cancel_too_late" in scenario,
    )


def page_begins(fate: Fate, index: int) -> float:
    return 0.0 if fate.at_once else QUEUED + APART * index


def page_ends(fate: Fate, index: int) -> float:
    return 0.0 if fate.at_once else page_begins(fate, index) + READING


def end_of(fate: Fate, pages: int, cancel_asked: float | None) -> End:
    """One that fails does so after three quarters of its life. A cancel loses against an end that comes before its effect."""
    last = page_ends(fate, pages - 1)
    undisturbed = End(FAILED, last * 0.75) if fate.fails else End(COMPLETED, last)
    if cancel_asked is None:
        return undisturbed
    if fate.cancel_comes_last:
        return End(undisturbed.status, min(undisturbed.at, cancel_asked))
    stopped = cancel_asked + fate.cancelling
    return End(CANCELLED, stopped) if fate.cancel_wins and stopped < undisturbed.at else undisturbed


def status_at(fate: Fate, end: End, lived: float) -> str:
    if lived >= end.at:
        return end.status
    return PROCESSING if lived >= page_begins(fate, 0) else PENDING


def page_status(fate: Fate, end: End, index: int, lived: float) -> str:
    """SUCCEEDED, whatever the page itself would say, once it was read; what a cancelled job has not read stays as it was."""
    over = lived >= end.at
    if page_ends(fate, index) <= min(lived, end.at) or (over and end.status == COMPLETED):
        return SUCCEEDED
    if over and end.status == FAILED:
        return FAILED
    return PROCESSING if page_begins(fate, index) <= min(lived, end.at) else PENDING
