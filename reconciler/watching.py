"""Watching: when to try a socket again, and when to ask about a watched job beside it. Pure; every number is microseconds."""

from dataclasses import dataclass

from reconciler.pace import clamp, growing, spread
from schemas.tables import JobRow
from schemas.times import MINUTE, SECOND
from schemas.words import Status

EVERY = 5 * SECOND  # between two questions about a watched job that no socket tells of
BESIDE = 15 * SECOND  # the same beside a socket: it may tell of a copy, which our own question is what refreshes
FIRST_PAUSE, LONGEST_PAUSE = 5 * SECOND, 5 * MINUTE
LIVED = MINUTE  # a socket that held so long was a good one: its end is not held against the next


@dataclass(frozen=True, slots=True)
class Tries:
    """How the sockets of one watched job went."""

    in_vain: int = 0  # that ended soon, in a row
    again_at: int = 0

    def ended(self, lived: int, retry_after: int | None, jitter: float, now: int) -> "Tries":
        """After a socket that was refused, or was dropped when it had lived so long."""
        in_vain = 0 if lived >= LIVED else self.in_vain
        wait = spread(growing(FIRST_PAUSE, 2.0, in_vain, LONGEST_PAUSE), jitter)
        return Tries(in_vain + 1, now + max(wait, clamp(retry_after)))


def is_to_be_asked(job: JobRow, live: Status | None, every: int, now: int) -> bool:
    """Whether somebody who watches should have a job asked about now, ahead of routine: `every` so often at most, and more
    seldom while its socket says (`live`) what we know. Not when it is asked about at a pace that has its reasons."""
    if job.asked_at is None or job.wanted_at is not None or job.failed_asks > 0 or job.denials > 0:
        return False
    wait = max(every, BESIDE) if live == job.status else every
    return not 0 <= now - job.asked_at < wait


def between(watched: int, per_minute: int | None) -> int:
    """Between two questions about each of so many watched jobs: at least half of a budget is left to all the others."""
    return EVERY if per_minute is None else max(EVERY, -(-2 * watched * MINUTE // per_minute))
