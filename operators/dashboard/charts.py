"""Charts as the server draws them: stacked bars over spans of time. Pure geometry, in the units of the SVG's own box."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.times import DAY, HOUR, MINUTE, rfc3339
from storage.past import Spread

WIDTH, HEIGHT, GAP = 600.0, 96.0, 0.18
LEAST = 1.5  # a bar of one among many is still to be seen


@dataclass(frozen=True, slots=True)
class Span:
    """How far a chart looks back, and how wide its bars are (microseconds)."""

    name: str
    words: str
    length: int
    width: int


SPANS: Mapping[str, Span] = {
    "hour": Span("hour", "the last hour, by minute", HOUR, MINUTE),
    "day": Span("day", "the last day, by hour", DAY, HOUR),
    "week": Span("week", "the last week, by six hours", 7 * DAY, 6 * HOUR),
}


class Bar(NamedTuple):
    """One part of a stack: which series, and its rectangle."""

    series: str
    x: float
    y: float
    width: float
    height: float


class Column(NamedTuple):
    """One span of time: what is told of it, and its bars from the bottom up."""

    at: str
    told: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    words: str
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart. `summary` says in words what it shows."""

    title: str
    series: tuple[Series, ...]
    columns: tuple[Column, ...]
    peak: int
    summary: str
    begins: str
    ends: str

    @property
    def total(self) -> int:
        return sum(one.total for one in self.series)


Counts = Callable[[str], bool]  # whether what is counted under a word belongs to a series


def chart(title: str, series: Mapping[str, tuple[str, Counts]], spread: Spread, span: Span, now: int) -> Chart:
    """A chart of the time up to now. `series`: by name, what it is in words, and which of the counters it adds up."""
    starts = _starts(span, now)
    counts = {name: _counted(spread, belongs, starts) for name, (_, belongs) in series.items()}
    sums = [sum(column) for column in zip(*counts.values(), strict=True)]
    peak = max(sums, default=0)
    words = {name: words for name, (words, _) in series.items()}
    stacks = zip(*([(name, count) for count in counts[name]] for name in series), strict=True)
    columns = tuple(
        _column(number, at, [(name, count) for name, count in stack if count], words, peak, len(starts))
        for number, (at, stack) in enumerate(zip(starts, stacks, strict=True))
    )
    told = tuple(Series(name, words[name], sum(counts[name])) for name in series)
    return Chart(
        title, told, columns, peak, _summary(title, told, span, sums, starts), rfc3339(starts[0]), rfc3339(now)
    )


def _starts(span: Span, now: int) -> list[int]:
    last = now - now % span.width
    return [last - span.width * back for back in reversed(range(span.length // span.width))]


def _counted(spread: Spread, belongs: Counts, starts: Sequence[int]) -> list[int]:
    chosen = {what for what in {what for _, counts in spread for what in counts} if belongs(what)}
    known = {at: sum(counts[what] for what in chosen & counts.keys()) for at, counts in spread}
    return [known.get(at, 0) for at in starts]


def _column(
    number: int, at: int, counts: Sequence[tuple[str, int]], words: Mapping[str, str], peak: int, columns: int
) -> Column:
    step = WIDTH / columns
    x, width = round(number * step + step * GAP / 2, 2), round(step * (1 - GAP), 2)
    bars, top = [], HEIGHT
    for name, count in counts:
        height = max(LEAST, HEIGHT * count / peak)
        top = max(0.0, top - height)
        bars.append(Bar(name, x, round(top, 2), width, round(height, 2)))
    told = ", ".join(f"{count} {words[name]}" for name, count in counts) or "nothing"
    return Column(rfc3339(at), told, tuple(bars))


def _summary(title: str, told: Sequence[Series], span: Span, sums: Sequence[int], starts: Sequence[int]) -> str:
    counted = ", ".join(f"{one.total} {one.words}" for one in told if one.total)
    if not counted:
        return f"{title}, {span.words}: nothing"
    most = max(range(len(sums)), key=lambda number: sums[number])
    return f"{title}, {span.words}: {counted}; most at {rfc3339(starts[most])[11:16]} UTC, {sums[most]}"
