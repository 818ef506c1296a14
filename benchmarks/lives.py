"""The lives of a simulation's jobs, drawn from a seed: when each begins and ends, and which of its webhooks will be lost.

The same draws serve every loss rate: what is lost at 10 % is lost at 50 % as well.
"""

from dataclasses import dataclass
from math import log
from random import Random

MINUTE, HOUR = 60.0, 3600.0
CREATED_WITHIN = HOUR
MEDIAN, SPREAD = 25 * MINUTE, 0.9  # log-normal
SHORTEST, LONGEST = 2 * MINUTE, 3 * HOUR
FAILED_SHARE = 0.05
DELAYS = (1.0, 8.0)
PROGRESS = (25, 50, 75)


@dataclass(frozen=True, slots=True)
class Event:
    """One webhook. Times in seconds since the simulation began; `chance` from 0 to 1."""

    at: float
    progress: int  # 100 is the end
    delay: float
    chance: float

    def is_lost(self, loss: float) -> bool:
        return self.chance < loss


@dataclass(frozen=True, slots=True)
class Life:
    """One job at the provider. Times in seconds since the simulation began."""

    job_id: str
    created_at: float
    ended_at: float
    end: str  # the provider's own word
    events: tuple[Event, ...]

    @property
    def length(self) -> float:
        return self.ended_at - self.created_at


def draw(jobs: int, seed: int) -> list[Life]:
    """So many lives, by the time at which they begin."""
    random = Random(f"lives:{seed}")
    begins = sorted(random.uniform(0, CREATED_WITHIN) for _ in range(jobs))
    return [_life(f"batch_{number:026d}", at, random) for number, at in enumerate(begins)]


def _life(job_id: str, created_at: float, random: Random) -> Life:
    length = min(max(random.lognormvariate(log(MEDIAN), SPREAD), SHORTEST), LONGEST)
    end = "failed" if random.random() < FAILED_SHARE else "completed"
    events = tuple(
        Event(created_at + length * progress / 100, progress, random.uniform(*DELAYS), random.random())
        for progress in (*PROGRESS, 100)
    )
    return Life(job_id, created_at, created_at + length, end, events)
