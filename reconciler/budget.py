"""The request budget of one source: a token bucket, so that no minute ever sees more questions than it allows."""

from collections import Counter
from dataclasses import dataclass, replace

from schemas.times import MINUTE, SECOND

BURST_SHARE = 10  # at most a tenth of a minute's questions at once


@dataclass(frozen=True, slots=True)
class Budget:
    """So many questions of any kind a minute; None is no bound. Times in microseconds.

    The bucket refills more slowly than the budget by what may leave at once: both together are the budget.
    """

    per_minute: int | None = None
    full_at: int = 0  # when everything that was spent will have come back

    def left(self, now: int, wished: int) -> int:
        """How many of the wished questions may leave now."""
        if self.per_minute is None:
            return wished
        return max(0, min(wished, self._burst - -(-self._owed(now) // self._interval)))

    def spend(self, now: int) -> "Budget":
        """The budget after one question has left."""
        if self.per_minute is None:
            return self
        return replace(self, full_at=now + min(self._owed(now) + self._interval, self._empty))

    def next_at(self, now: int) -> int:
        """When a question may leave again; now, if one may."""
        if self.per_minute is None:
            return now
        return now + max(0, self._owed(now) - (self._burst - 1) * self._interval)

    def _owed(self, now: int) -> int:
        """Time until the bucket is full. Longer than an empty one takes: the clock was taken back, and we begin anew."""
        owed = self.full_at - now
        return owed if 0 < owed <= self._empty else 0

    @property
    def _empty(self) -> int:
        return self._burst * self._interval

    @property
    def _burst(self) -> int:
        return max(1, (self.per_minute or 0) // BURST_SHARE)

    @property
    def _interval(self) -> int:
        return -(-MINUTE // ((self.per_minute or 0) - self._burst + 1))


class Meter:
    """How many questions have left within the last sixty seconds, to be shown."""

    def __init__(self) -> None:
        self._seconds: Counter[int] = Counter()

    def count(self, now: int) -> None:
        self._seconds[now // SECOND] += 1
        if len(self._seconds) > 120:
            self._forget(now)

    def last_minute(self, now: int) -> int:
        self._forget(now)
        return self._seconds.total()

    def _forget(self, now: int) -> None:
        """What is older than a minute, or from a future that the clock has been taken back from."""
        latest = now // SECOND
        for second in [second for second in self._seconds if not latest - 60 < second <= latest]:
            del self._seconds[second]
