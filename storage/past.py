"""The past: counters of spans of time that are over. They change no more, so each is read once and kept; of a look back over an
hour or a week only its newest end is read anew.

Kept are only the words that somebody looks back at: requests, moves of jobs, and failures that began.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Table, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.times import DAY, HOUR, MINUTE
from storage.counting import HOURLY, TALLIES
from storage.listing import begins_with

WORDS = ("accepted", "duplicate", "unreadable", "taken_in")
HEADS = ("refused.", "moved.", "began.")
LATE = 2 * MINUTE  # what is counted in memory is written by then, and clocks differ by less
LONGEST = {MINUTE: 2 * HOUR, HOUR: 8 * DAY}  # how far back spans are kept

WEEK = 7 * DAY

Counts = Mapping[tuple[str, str], int]  # by source and word
Spread = Sequence[tuple[int, Mapping[str, int]]]  # when each span begins, and what was counted in it, by word


@dataclass
class _Spans:
    """The spans of one length that are over, by their numbers since 1970, and sums of several of them."""

    counters: Table
    name: str
    length: int
    over: dict[int, Counts] = field(default_factory=dict)
    words: dict[tuple[int, int], Mapping[str, int]] = field(default_factory=dict)  # from one number to another
    sums: dict[tuple[int, int], Counts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at, what = self.counters.c[self.name], self.counters.c.what
        self._rows = select(at, self.counters.c.source, what, self.counters.c.count).where(
            at >= bindparam("first"), at <= bindparam("last"), _is_kept(what)
        )

    async def read(self, connection: AsyncConnection, since: int, now: int) -> dict[int, Counts]:
        """Every span from a time on, those of which nothing was counted among them."""
        first, last = since // self.length, now // self.length
        open_from = (now - LATE) // self.length
        unread = next(number for number in range(first, last + 1) if number not in self.over)
        fresh: dict[int, dict[tuple[str, str], int]] = {number: {} for number in range(unread, last + 1)}
        for number, source, word, count in await connection.execute(self._rows, {"first": unread, "last": last}):
            fresh[number][source, word] = count
        found = {number: self.over.get(number, {}) for number in range(first, unread)} | fresh
        self.over |= {number: counts for number, counts in fresh.items() if number < open_from}
        self._forget(now)
        return found

    def sum(self, spans: Mapping[int, Counts], first: int) -> Counts:
        """What was counted from one span on."""
        end = next((number for number in range(first, max(spans) + 1) if number not in self.over), max(spans) + 1)
        if (first, end) not in self.sums:
            self.sums[first, end] = _added(self.over[number] for number in range(first, end))
        return _added([self.sums[first, end], *(spans[number] for number in range(end, max(spans) + 1))])

    def by_word(self, spans: Mapping[int, Counts], begin: int, end: int) -> Mapping[str, int]:
        """What was counted of all sources in some spans in a row; those that were not read are left out."""
        known = self.words.get((begin, end))
        if known is not None:
            return known
        found: Counter[str] = Counter()
        for number in range(begin, end):
            for (_, word), count in spans.get(number, {}).items():
                found[word] += count
        if all(number in spans and number in self.over for number in range(begin, end)):
            self.words[begin, end] = found
        return found

    def _forget(self, now: int) -> None:
        oldest = (now - LONGEST[self.length]) // self.length
        for number in [number for number in self.over if number < oldest]:
            del self.over[number]
        for kept in (self.words, self.sums):
            for key in [key for key in kept if key[0] < oldest]:
                del kept[key]


@dataclass(frozen=True, slots=True)
class Look:
    """A look back from `now` (microseconds), read at once: the last hour's minutes, and the last week's hours."""

    now: int
    _minutes: _Spans
    _hours: _Spans
    _by_minute: Mapping[int, Counts]
    _by_hour: Mapping[int, Counts]

    @property
    def last_hour(self) -> Counts:
        """What was counted in the last hour, in whole minutes, by source and word."""
        return self._minutes.sum(self._by_minute, (self.now - HOUR) // MINUTE)

    @property
    def last_day(self) -> Counts:
        """The same of the last day, in whole hours."""
        return self._hours.sum(self._by_hour, (self.now - DAY) // HOUR)

    def spread(self, length: int, width: int) -> Spread:
        """What was counted of all sources together, in spans of `width` (whole minutes, or whole hours), oldest first."""
        kept, spans = (self._minutes, self._by_minute) if width < HOUR else (self._hours, self._by_hour)
        first, wide = (self.now - length) // width, width // kept.length
        return [
            (number * width, kept.by_word(spans, number * wide, (number + 1) * wide))
            for number in range(first, self.now // width + 1)
        ]


class Past:
    """Of one store, for one process."""

    def __init__(self) -> None:
        self._minutes, self._hours = _Spans(TALLIES, "minute", MINUTE), _Spans(HOURLY, "hour", HOUR)

    async def look(self, connection: AsyncConnection, now: int) -> Look:
        by_minute = await self._minutes.read(connection, now - HOUR, now)
        return Look(now, self._minutes, self._hours, by_minute, await self._hours.read(connection, now - WEEK, now))

    async def lately(self, connection: AsyncConnection, since: int, now: int) -> Counts:
        """What was counted since a time, in whole minutes, by source and word."""
        return self._minutes.sum(await self._minutes.read(connection, since, now), since // MINUTE)


def _added(spans: Iterable[Counts]) -> Counts:
    found: Counter[tuple[str, str]] = Counter()
    for counts in spans:
        for key, count in counts.items():
            found[key] += count
    return found


def _is_kept(what: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(what.in_(WORDS), *(and_(*begins_with(what, head)) for head in HEADS))
