"""What a run prints: a table of kills, a table of invariants, and what went wrong. Pure."""

from collections.abc import Iterator, Sequence

from storage.points import POINTS

from .plan import RANDOM, UNREACHABLE
from .tally import Row, Tally

INVARIANTS = {
    "I1": "answered 2xx, and stored under that receipt with those bytes",
    "I2": "one row an identity, all its receipts, none that was not sent",
    "I3": "batches that ended as the sandbox's truth says",
    "I4": "an end changes by an answer to a poll only",
    "I5": "jobs that have ended, handed on under one id and recorded done once",
    "I6": "files that are whole by their rows, and none beside them",
    "I7": "requests that are not authentic, and left no row",
    "I9": "answers to authentic requests, none of them an error",
    "I10": "open jobs that are asked about again in time",
    "I11": "fences that rose",
    "I12": "the store is whole",
    "applied": "receipts judged, cancels carried through and nothing left to submit, fetch or hand on in the end",
    "submit": "submissions stored whole, with one batch each, or given to a person where nobody can tell",
    "log": "lines of log, none of them an error",
}
NOT_TRIED = "I8 (keys at foreign origins) is not a matter of kills"
HEAD = (
    "point",
    "where",
    "kills",
    "starts",
    "acknowledged",
    "lost",
    "twice",
    "duplicates",
    "kept",
    "breaches",
)
SHOWN_BREACHES = 10


def report(tally: Tally, points: Sequence[str]) -> str:
    """The whole account of one store."""
    return "\n".join([*_kills(tally), "", *_invariants(tally), "", *_trouble(tally, points), _verdict(tally, points)])


def is_good(tally: Tally, points: Sequence[str]) -> bool:
    return not tally.breaches and not not_reached(tally, points)


def not_reached(tally: Tally, points: Sequence[str]) -> list[str]:
    """Points that were to be killed at and never were."""
    return [point for point in points if not tally.rows[point].kills and point not in UNREACHABLE]


def _kills(tally: Tally) -> Iterator[str]:
    where = {**POINTS, RANDOM: "anywhere"}
    lines = [HEAD] + [_line(point, where[point], tally.rows[point]) for point in where if point in tally.rows]
    total = Row()
    for row in tally.rows.values():
        total += row
    lines.append(_line("all", "", total))
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
        cells += [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
        yield "  ".join(cells)


def _line(point: str, where: str, row: Row) -> tuple[str, ...]:
    return (point, where, *(str(value) for value in vars(row).values()))


def _invariants(tally: Tally) -> Iterator[str]:
    counts = tally.found.counts
    for name, what in INVARIANTS.items():
        yield f"{name:8} {counts[name]:>8} checks {len(tally.breaches.get(name, [])):>4} breaches  {what}"
    yield "acknowledged: answered 2xx; duplicates: of them, those called one; kept: stored, while the kill cut off the answer"
    yield (
        f"{counts['ended right']} batches ended as the sandbox's truth says; {counts['acknowledged to the sandbox']} of its own "
        f"webhooks acknowledged; {counts['cancels']} cancels asked for; {counts['unanswered']} requests cut off by a kill"
    )
    yield (
        f"{counts['created']} submissions came to a batch, {counts['unconfirmed']} were given to a person; {counts['files']} "
        f"files kept; {counts['handed on']} ends handed on, some of them told again, {counts['told again']} times in all"
    )
    yield NOT_TRIED


def _trouble(tally: Tally, points: Sequence[str]) -> Iterator[str]:
    for name, what in tally.breaches.items():
        yield from (f"BREACH of {name}: {one[:500]}" for one in what[:SHOWN_BREACHES])
        if len(what) > SHOWN_BREACHES:
            yield f"BREACH of {name}: and {len(what) - SHOWN_BREACHES} more"
    yield from (f"not reached: {point}" for point in not_reached(tally, points))
    if tally.missed:
        yield f"not reached in time, and killed there from outside: {', '.join(tally.missed)}"
    yield from (f"unreachable: {point}: {why}" for point, why in UNREACHABLE.items())
    yield from (f"kept: {folder}" for folder in tally.kept)


def _verdict(tally: Tally, points: Sequence[str]) -> str:
    lost, twice = (sum(getattr(row, name) for row in tally.rows.values()) for name in ("lost", "twice"))
    acknowledged = sum(row.acknowledged for row in tally.rows.values())
    return (
        f"{'as promised' if is_good(tally, points) else 'NOT AS PROMISED'}: {tally.store}, {tally.kills} kills in "
        f"{tally.seconds:.0f} s, {acknowledged} acknowledged deliveries, {lost} lost, {twice} recorded twice"
    )
