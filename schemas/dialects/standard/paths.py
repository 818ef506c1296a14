"""Dotted paths into a JSON object (contract of the other providers, 4): member names, and what is not there is None."""

from collections.abc import Mapping
from typing import Any

from schemas.identity import is_job_id

DEEPEST = 16
LONGEST = 256
_LARGEST_ID = 1 << 63


def at(document: Mapping[str, Any], path: str) -> Any:
    """What stands there; None where nothing does, or where something on the way is no object. Lists are not entered."""
    found: Any = document
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def identifier(value: Any) -> str | None:
    """A job's id, as text; some providers count their jobs, and write a whole number. None: it cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_ID:
        return str(value)
    return value if isinstance(value, str) and is_job_id(value) else None


def is_path(text: str) -> bool:
    """Names with a full stop between them, none of them empty."""
    names = text.split(".")
    return len(text) <= LONGEST and len(names) <= DEEPEST and all(name and name.isprintable() for name in names)


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Write something where `at` finds it. What stands in the way gives way."""
    *folders, last = path.split(".")
    for name in folders:
        inner = document.get(name)
        if not isinstance(inner, dict):
            inner = document[name] = {}
        document = inner
    document[last] = value
