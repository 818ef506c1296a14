"""How much there is now of what comes and goes: the differences of what was ever counted. Pure.

`totals` are those of `storage.counting`. Nothing is in the answers of which there is none.
"""

from collections import Counter
from collections.abc import Mapping

from schemas.words import Status

Totals = Mapping[tuple[str, str], int]


def jobs_now(totals: Totals) -> Mapping[tuple[str, str], int]:
    """Jobs by source and status. Each was born unknown."""
    found = Counter[tuple[str, str]]()
    for (source, what), number in totals.items():
        match what.split("."):
            case ["born", _]:
                found[source, Status.UNKNOWN.value] += number
            case ["moved", before, after]:
                found[source, before] -= number
                found[source, after] += number
    return +found


def failures_now(totals: Totals) -> Mapping[tuple[str, str, str], int]:
    """Failures that hold, by source, category and code."""
    found = Counter[tuple[str, str, str]]()
    for (source, what), number in totals.items():
        match what.split("."):
            case ["began", category, code]:
                found[source, category, code] += number
            case ["cleared", category, code]:
                found[source, category, code] -= number
    return +found


def handoffs_now(totals: Totals) -> Mapping[tuple[str, str], int]:
    """Hand-offs by target and state. What was done or withdrawn may have been pruned since, and counts all the same."""
    found = Counter[tuple[str, str]]()
    for (_, what), number in totals.items():
        match what.split("."):
            case ["handoff", target, before, after]:
                found[target, before] -= number
                found[target, after] += number
    return +found
