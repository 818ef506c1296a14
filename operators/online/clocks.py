"""Whether our clock and a provider's agree, by the Date header of an answer. Pure."""

from schemas.config import Source
from schemas.times import MINUTE, SECOND, parse_http_date

FARTHEST = MINUTE  # apart; beyond that a clock is wrong, and not merely read late


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


def is_too_far(offset: int, source: Source) -> bool:
    """Too far for the signatures of deliveries: these must be no older or newer than the source's tolerance."""
    return abs(offset) > min(FARTHEST, source.tolerance_seconds * SECOND)
