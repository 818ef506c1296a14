"""Charts as the server draws them: stacked bars over spans of time. Pure geometry, in the units of the SVG's own box."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from schemas.times import DAY, HOUR, MINUTE, rfc3339
from storage.counting import Tally

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


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a stack: which series, and its rectangle."""

    series: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
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


def chart(
    title: str, series: Mapping[str, tuple[str, Counts]], tallies: Sequence[Tally], span: Span, now: int
) -> Chart:
    """A chart of the time up to now. `series`: by name, what it is in words, and which of the counters it adds up."""
    starts = _starts(span, now)
    counts = {name: _counted(tallies, belongs, starts) for name, (_, belongs) in series.items()}
    sums = [sum(counts[name][number] for name in series) for number in range(len(starts))]
    peak = max(sums, default=0)
    columns = tuple(
        _column(number, at, {name: (series[name][0], counts[name][number]) for name in series}, peak, len(starts))
        for number, at in enumerate(starts)
    )
    told = tuple(Series(name, words, sum(counts[name])) for name, (words, _) in series.items())
    return Chart(
        title, told, columns, peak, _summary(title, told, span, sums, starts), rfc3339(starts[0]), rfc3339(now)
    )


def _starts(span: Span, now: int) -> list[int]:
    last = now - now % span.width
    return [last - span.width * back for back in reversed(range(span.length // span.width))]


def _counted(tallies: Sequence[Tally], belongs: Counts, starts: Sequence[int]) -> list[int]:
    places = {at: number for number, at in enumerate(starts)}
    chosen = {what for what in {tally.what for tally in tallies} if belongs(what)}
    counts = [0] * len(starts)
    for tally in tallies:
        if tally.what in chosen and tally.at in places:
            counts[places[tally.at]] += tally.count
    return counts


def _column(number: int, at: int, counts: Mapping[str, tuple[str, int]], peak: int, columns: int) -> Column:
    step = WIDTH / columns
    bars, top = [], HEIGHT
    for name, (_, count) in counts.items():
        if count:
            height = max(LEAST, HEIGHT * count / peak)
            top = max(0.0, top - height)
            sizes = (number * step + step * GAP / 2, top, step * (1 - GAP), height)
            bars.append(Bar(name, *(round(one, 2) for one in sizes)))
    told = ", ".join(f"{count} {words}" for words, count in counts.values() if count) or "nothing"
    return Column(rfc3339(at), told, tuple(bars))


def _summary(title: str, told: Sequence[Series], span: Span, sums: Sequence[int], starts: Sequence[int]) -> str:
    counted = ", ".join(f"{one.total} {one.words}" for one in told if one.total)
    if not counted:
        return f"{title}, {span.words}: nothing"
    most = max(range(len(sums)), key=lambda number: sums[number])
    return f"{title}, {span.words}: {counted}; most at {rfc3339(starts[most])[11:16]} UTC, {sums[most]}"
