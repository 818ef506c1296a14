"""Lengths of time as a person writes them: `90s`, `20m`, `6h`, `2d`."""

import re

from operators.errors import BadInput
from schemas.times import DAY, HOUR, MINUTE, SECOND

_LENGTH = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([smhd])", re.ASCII)
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
LONGEST = 30 * DAY


def duration(option: str, text: str) -> int:
    """Microseconds. Raises BadInput."""
    match = _LENGTH.fullmatch(text.strip())
    length = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if not 0 < length <= LONGEST:
        raise BadInput(f"{option} {text[:40]}: write a length of time such as 90s, 20m, 6h or 2d, 30 days at most")
    return length
