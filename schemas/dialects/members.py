"""Members of a provider's objects, one by one: a member of a wrong type reads as missing, and texts come out fit to be shown."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.identity import is_job_id
from schemas.texts import clean
from schemas.times import SECOND, parse_rfc3339, rfc3339

_MAX_COUNT = 1 << 53
_MAX_NANOS = 1 << 62
_MAX_COST = 1_000_000_000
_LONGEST_NESTED = 400
_MOST = 64


def read_time(value: Any) -> int | None:
    """Unix seconds or an ISO text, as microseconds: for one name both may occur, by provider and by route (Phaseo 3.10)."""
    if isinstance(value, str):
        return parse_rfc3339(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100_000_000_000:
        return None
    return int(value * SECOND)


def text(value: Any, limit: int = 256) -> str | None:
    return clean(value, limit) if isinstance(value, str) and value else None


def url(value: Any) -> str | None:
    return text(value, 2048)


def file_id(value: Any) -> str | None:
    return value if isinstance(value, str) and is_job_id(value) else None


def count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(0, min(value, _MAX_COUNT))


def nanos(value: Any) -> int | None:
    """Billionths of the currency's unit; they exceed 32 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_NANOS:
        return None
    return value


def cost(value: Any) -> int | None:
    """A cost written as a text with decimals, in billionths (Phaseo 3.10: two decimals, so that small ones read 0.00)."""
    try:
        said = Decimal(value) if isinstance(value, str) and len(value) <= 32 else None
    except InvalidOperation:
        return None
    # Bounded before it is made a whole number: a text of eight characters can stand for a million digits.
    return None if said is None or not said.is_finite() or abs(said) >= _MAX_COST else int(said * 1_000_000_000)


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> Sequence[Any]:
    return value[:100] if isinstance(value, list) else ()


def first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def plain(document: Mapping[str, Any], read_elsewhere: frozenset[str] = frozenset()) -> dict[str, object]:
    """The members as they stand, but for those that are read elsewhere or say nothing: bounded, and fit to be shown.

    What is nested stands as JSON, and a time as RFC 3339.
    """
    told = [(name, value) for name, value in document.items() if name not in read_elsewhere and not _is_empty(value)]
    return {clean(name, 64): _plain(name, value) for name, value in told[:_MOST]}


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _plain(name: str, value: Any) -> object:
    if isinstance(value, bool):
        return value
    if name.endswith("_at") and (time := read_time(value)) is not None:
        return rfc3339(time)
    if isinstance(value, str):
        return clean(value, 256)
    if isinstance(value, int | float):
        return value
    return clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")), _LONGEST_NESTED)
