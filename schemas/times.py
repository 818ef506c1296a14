"""Time is an integer: microseconds since 1970 in UTC. At every edge it is written as RFC 3339."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN_EPOCH = _EPOCH.replace(tzinfo=None)  # a zone would double the time that writing takes
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)


def rfc3339(micros: int) -> str:
    """Write a time with as many fractional digits as it needs: none, or six."""
    return (_WRITTEN_EPOCH + timedelta(microseconds=micros)).isoformat() + "Z"


def rfc3339_or_none(micros: int | None) -> str | None:
    return None if micros is None else rfc3339(micros)


def readable(micros: int) -> str:
    """A time in a sentence, to the second: `2026-11-22 03:12:07 UTC`."""
    return f"{(_WRITTEN_EPOCH + timedelta(microseconds=micros)).isoformat(' ', 'seconds')} UTC"


def parse_rfc3339(text: str) -> int | None:
    """Read a time with `Z` or an offset and 0 to 9 fractional digits; None when it is not one.

    A leap second reads as the one before it. What comes back can always be written by `rfc3339`.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    ahead_hours, ahead_minutes = (0, 0) if match[8] else (int(match[10]), int(match[11]))
    if second > 60 or ahead_hours > 23 or ahead_minutes > 59:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    fraction = int((match[7] or "").ljust(6, "0")[:6])
    ahead = (ahead_hours * HOUR + ahead_minutes * MINUTE) * (-1 if match[9] == "-" else 1)
    micros = (moment - _EPOCH) // timedelta(microseconds=1) + fraction - ahead
    return micros if _FIRST <= micros <= _LAST else None


def parse_http_date(text: str) -> int | None:
    """Read the date of an HTTP header, in any of its forms; None when it is not one. Whole seconds, always UTC."""
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError):
        return None


def in_words(micros: int) -> str:
    """A length of time as a person would say it: `4 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(0, micros) / SECOND
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
