"""Reading a create call: how the task is to end, when, and what goes wrong with its webhooks."""

import json
import math
from dataclasses import dataclass
from typing import Any

from sandbox.standard.errors import Refused

ENDS = ("completed", "failed", "cancelled")
LIFE = 20.0  # seconds, where nothing is said
LONGEST = 86_400.0
MOST_ROWS = 1_000_000
WEBHOOK_FAULTS = {
    "lost": "no webhook is ever attempted",
    "duplicated": "each webhook is sent three times, two of them at once",
    "delayed": "each webhook is sent a minute late",
    "reordered": "that it started is told after its end",
    "missigned": "each webhook is signed with another secret",
}


@dataclass(frozen=True)
class Order:
    """A create call, validated. `seconds` are those of its life; `webhooks` are words of WEBHOOK_FAULTS."""

    ends: str = ENDS[0]
    seconds: float = LIFE
    rows: int = 1
    webhooks: frozenset[str] = frozenset()


def read_order(body: bytes) -> Order:
    """Raises:
    Refused: 400 with the first thing that is wrong.
    """
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise Refused(400, "The body is not a JSON object.")
    if unknown := document.keys() - {"ends", "seconds", "rows", "webhooks"}:
        raise Refused(400, f"There is no such field: {', '.join(sorted(unknown))[:100]}.")
    ends = document.get("ends", ENDS[0])
    if ends not in ENDS:
        raise Refused(400, f"ends must be one of {', '.join(ENDS)}.")
    return Order(ends, _seconds(document.get("seconds", LIFE)), _rows(document.get("rows", 1)), _faults(document))


def _seconds(written: Any) -> float:
    is_number = isinstance(written, int | float) and not isinstance(written, bool) and math.isfinite(written)
    if not is_number or not 0 <= written <= LONGEST:
        raise Refused(400, f"seconds must be a number from 0 to {LONGEST:g}.")
    return float(written)


def _rows(written: Any) -> int:
    if type(written) is not int or not 0 <= written <= MOST_ROWS:
        raise Refused(400, f"rows must be a whole number from 0 to {MOST_ROWS}.")
    return written


def _faults(document: dict[str, Any]) -> frozenset[str]:
    written = document.get("webhooks", [])
    if not isinstance(written, list) or not all(isinstance(word, str) and word in WEBHOOK_FAULTS for word in written):
        raise Refused(400, f"webhooks must be a list of words of {', '.join(WEBHOOK_FAULTS)}.")
    return frozenset(written)
