"""Whether our clock and a provider's agree, by the Date header of its answers. Pure."""

from collections import deque
from dataclasses import dataclass, field

from schemas.times import MINUTE, SECOND, parse_http_date

FARTHEST = MINUTE  # apart; beyond that a clock is wrong, and not merely read late
READ = 5  # so many answers: one that came out of a cache, or from a strange machine, must not count


def ahead(date: str | None, asked_at: int, answered_at: int) -> int | None:
    """How far our clock is ahead of theirs at least, in microseconds; less than nothing when it is behind. None: no date.

    The answer was dated at some moment between question and answer, and its date has no fractions of a second.
    """
    theirs = None if date is None else parse_http_date(date)
    if theirs is None:
        return None
    if theirs > answered_at:
        return answered_at - theirs
    return max(0, asked_at - (theirs + SECOND))


@dataclass
class ClockRead:
    """What the last answers of a source said of the time. Times in microseconds."""

    at: int | None = None  # when it was read last
    _aheads: deque[int] = field(default_factory=lambda: deque(maxlen=READ))

    def read(self, date: str | None, asked_at: int, answered_at: int) -> None:
        """Take note of one answer's Date."""
        offset = ahead(date, asked_at, answered_at)
        if offset is not None:
            self._aheads.append(offset)
            self.at = answered_at

    @property
    def ahead(self) -> int | None:
        """How far our clock is ahead, by the middle one of the last answers; None: none of them had a date."""
        return sorted(self._aheads)[len(self._aheads) // 2] if self._aheads else None
