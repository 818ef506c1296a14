"""Matching: how the rows that came compare with the requests that were asked, by custom id."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.contents import NoRow, ResultRow
from schemas.texts import clean

MOST_EXAMPLES = 5
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands, to be shown."""

    role: str
    line: int


@dataclass(frozen=True, slots=True)
class Matched:
    """Counts of custom ids, and of lines that are none of them. What was asked is what succeeded, failed or is missing.

    `asked` and `missing` are None where nobody here knows what was asked: then every custom id counts as asked.
    """

    asked: int | None
    succeeded: int
    failed: int
    missing: int | None
    repeated: int  # rows whose custom id had come before: the first one counts
    strange: int  # rows with a custom id that nobody asked
    unreadable: int  # lines that are no row
    examples: Mapping[str, list[dict[str, Any]]]  # the first few of each, to be shown


def match(
    asked: Iterable[str] | None, rows: Iterable[tuple[Place, ResultRow | NoRow]], count: int | None = None
) -> Matched:
    """Compare the asked custom ids with the rows, in the order in which both come. Memory grows with the ids alone.

    `count` is how many were asked, where the ids are not known any more: then as many are missing as did not come.
    """
    wanted = None if asked is None else dict.fromkeys(asked)
    seen: set[str] = set()
    tally = _Tally()
    for place, row in rows:
        if isinstance(row, NoRow):
            tally.note("unreadable", {"in": place.role, "line": place.line, "why": row.why})
        elif row.custom_id in seen:
            tally.note("repeated", _named(row.custom_id))
        elif wanted is not None and row.custom_id not in wanted:
            tally.note("strange", _named(row.custom_id))
        else:
            seen.add(row.custom_id)
            tally.note(*(("succeeded", None) if row.succeeded else ("failed", _failed(row))))
    if wanted is not None:
        for custom_id in wanted:
            if custom_id not in seen:
                tally.note("missing", _named(custom_id))
    counts = {name: tally.counts[name] for name in ("succeeded", "failed", "repeated", "strange", "unreadable")}
    asked_count, missing = (len(wanted), tally.counts["missing"]) if wanted is not None else (count, None)
    if wanted is None and count is not None:
        missing = max(0, count - len(seen))
    return Matched(asked=asked_count, missing=missing, examples=tally.examples, **counts)


class _Tally:
    """Counts, and keeps the first few of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[dict[str, Any]]] = {}

    def note(self, what: str, example: dict[str, Any] | None = None) -> None:
        self.counts[what] += 1
        if example is not None and self.counts[what] <= MOST_EXAMPLES:
            self.examples.setdefault(what, []).append(example)


def _named(custom_id: str) -> dict[str, Any]:
    return {"custom_id": clean(custom_id, _LONGEST)}


def _failed(row: ResultRow) -> dict[str, Any]:
    code, message = (clean(text, _LONGEST) if text else None for text in (row.error_code, row.error_message))
    said = {"status_code": row.status_code, "code": code, "message": message}
    return _named(row.custom_id) | {name: value for name, value in said.items() if value is not None}
