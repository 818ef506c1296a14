"""Our own ids: 63-bit integers made in the process, ordered by time, shown as a prefix and 13 letters.

An id is 41 bits of milliseconds since 2025, 10 bits that name the writer and 12 bits of sequence. It is known before the
row is written, so nothing is read back, and it is never used again after a restore, because time went on. Two processes
that draw the same writer number could in one millisecond make the same id; the primary key then refuses the second
row, and whoever writes tries again with a new id.
"""

import re
import secrets
import threading
from collections.abc import Callable

from schemas.times import parse_rfc3339

_START_MS = (parse_rfc3339("2025-01-01T00:00:00Z") or 0) // 1000
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
_LENGTH = 13
_SEQUENCE_BITS, _WRITER_BITS, _TIME_BITS = 12, 10, 41

PREFIXES = ("rcp", "dlv", "job", "act", "sub", "grp", "hnd", "ref", "fail", "obs", "out", "mov", "fnd", "rvf", "fch")
RECEIPT_PATTERN = re.compile(rf"rcp_[{_LETTERS}]{{{_LENGTH}}}")


class IdMaker:
    """Makes ids for one process. Safe to call from several threads.

    `now` answers with microseconds since 1970; a clock that steps back does not make an id smaller.
    """

    def __init__(self, now: Callable[[], int], writer: int | None = None) -> None:
        self._now = now
        self._writer = secrets.randbelow(1 << _WRITER_BITS) if writer is None else writer
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            tick = (self._now() // 1000 - _START_MS) << _SEQUENCE_BITS
            self._last = max(self._last + 1, tick)
            milliseconds, sequence = divmod(self._last, 1 << _SEQUENCE_BITS)
            return (((milliseconds << _WRITER_BITS) | self._writer) << _SEQUENCE_BITS) | sequence


def first_at(micros: int) -> int:
    """The smallest id that can be made at this time: whatever was made before has a smaller one. There are none of a time
    before they began, nor when they have run out."""
    milliseconds = min(max(0, micros // 1000 - _START_MS), (1 << _TIME_BITS) - 1)
    return milliseconds << (_WRITER_BITS + _SEQUENCE_BITS)


def span(micros: int) -> int:
    """How far apart ids are that are made so long after each other."""
    return micros // 1000 << (_WRITER_BITS + _SEQUENCE_BITS)


def made_at(number: int) -> int:
    """When an id was made, to the millisecond, in microseconds since 1970."""
    return ((number >> (_WRITER_BITS + _SEQUENCE_BITS)) + _START_MS) * 1000


def shown(prefix: str, number: int) -> str:
    """`shown("rcp", 5)` is `rcp_0000000000005`."""
    high, middle, low = number >> 40, number >> 20, number
    return (
        f"{prefix}_{_LETTERS[high >> 20]}"
        f"{_PAIRS[high >> 10 & 1023]}{_PAIRS[high & 1023]}{_PAIRS[middle >> 10 & 1023]}"
        f"{_PAIRS[middle & 1023]}{_PAIRS[low >> 10 & 1023]}{_PAIRS[low & 1023]}"
    )


def pattern(prefix: str) -> str:
    """The regular expression of the ids with this prefix: what `parse` takes."""
    return f"^{prefix}_[0-7][{_LETTERS}]{{{_LENGTH - 1}}}$"


def parse(text: str, prefix: str) -> int | None:
    """The number behind a shown id, or None when the text is not one with this prefix."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _LENGTH or any(letter not in _VALUES for letter in tail):
        return None
    number = 0
    for letter in tail:
        number = number * 32 + _VALUES[letter]
    return number if number < 1 << 63 else None
