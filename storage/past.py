"""The past: counters of spans of time that are over. They change no more, so each is read once and kept; of a look back over an
hour or a week only its newest end is read anew.

Kept are only the words that somebody looks back at: requests, moves of jobs, and failures that began.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.times import DAY, HOUR, MINUTE
from storage.counting import HOURLY, TALLIES, Tally
from storage.listing import begins_with

WORDS = ("accepted", "duplicate", "unreadable", "taken_in")
HEADS = ("refused.", "moved.", "began.")
LATE = 2 * MINUTE  # what is counted in memory is written by then, and clocks differ by less
LONGEST = {MINUTE: 2 * HOUR, HOUR: 8 * DAY}  # how far back spans are kept

Counts = Mapping[tuple[str, str], int]  # by source and word


@dataclass
class _Spans:
    """The spans of one length that are over, by their numbers since 1970, and sums of several of them."""

    counters: Table
    name: str
    length: int
    over: dict[int, Counts] = field(default_factory=dict)
    sums: dict[tuple[int, int], Mapping[str, int]] = field(default_factory=dict)

    async def read(self, connection: AsyncConnection, since: int, now: int) -> dict[int, Counts]:
        """Every span from a time on, those of which nothing was counted among them."""
        first, last = since // self.length, now // self.length
        open_from = (now - LATE) // self.length
        unread = next(number for number in range(first, last + 1) if number not in self.over)
        fresh: dict[int, dict[tuple[str, str], int]] = {number: {} for number in range(unread, last + 1)}
        at, what = self.counters.c[self.name], self.counters.c.what
        rows = select(at, self.counters.c.source, what, self.counters.c.count).where(
            at >= unread, at <= last, _is_kept(what)
        )
        for number, source, word, count in await connection.execute(rows):
            fresh[number][source, word] = count
        found = {number: self.over.get(number, {}) for number in range(first, unread)} | fresh
        self.over |= {number: counts for number, counts in fresh.items() if number < open_from}
        self._forget(now)
        return found

    def sum(self, spans: Mapping[int, Counts], begin: int, wide: int, now: int) -> Mapping[str, int]:
        """What was counted of all sources in some spans in a row."""
        known = self.sums.get((wide, begin))
        if known is not None:
            return known
        found: Counter[str] = Counter()
        for number in range(begin, begin + wide):
            for (_, word), count in spans.get(number, {}).items():
                found[word] += count
        if begin in spans and begin + wide <= (now - LATE) // self.length:
            self.sums[wide, begin] = found
        return found

    def _forget(self, now: int) -> None:
        oldest = (now - LONGEST[self.length]) // self.length
        for number in [number for number in self.over if number < oldest]:
            del self.over[number]
        for key in [key for key in self.sums if key[1] < oldest]:
            del self.sums[key]


class Past:
    """Of one store, for one process."""

    def __init__(self) -> None:
        self._minutes, self._hours = _Spans(TALLIES, "minute", MINUTE), _Spans(HOURLY, "hour", HOUR)

    async def lately(self, connection: AsyncConnection, since: int, now: int) -> Counts:
        """What was counted since a time, in whole minutes, by source and word."""
        return _added(await self._minutes.read(connection, since, now))

    async def lately_by_hour(self, connection: AsyncConnection, since: int, now: int) -> Counts:
        """The same, in whole hours."""
        return _added(await self._hours.read(connection, since, now))

    async def spread(self, connection: AsyncConnection, since: int, now: int, width: int) -> list[Tally]:
        """What was counted of all sources together, in spans of `width` (whole minutes, or whole hours), oldest first."""
        kept = self._minutes if width < HOUR else self._hours
        wide = width // kept.length
        begins = since - since % width
        spans = await kept.read(connection, begins, now)
        return [
            Tally(begin * kept.length, "", word, count)
            for begin in range(begins // kept.length, now // kept.length + 1, wide)
            for word, count in kept.sum(spans, begin, wide, now).items()
        ]


def _added(spans: Mapping[int, Counts]) -> Counts:
    found: Counter[tuple[str, str]] = Counter()
    for counts in spans.values():
        for key, count in counts.items():
            found[key] += count
    return found


def _is_kept(what: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(what.in_(WORDS), *(and_(*begins_with(what, head)) for head in HEADS))
