"""What the counters say: how many jobs are where, which failures hold, what was delivered. Pure sums over `storage/counting`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from operators.dashboard.failure_words import is_as_asked
from schemas.words import OPEN, Category, Status

Counted = Mapping[tuple[str, str], int]  # by source and word


def jobs_by_status(totals: Counted) -> dict[str, int]:
    """How many jobs have each status now: what came to it without what went."""
    found = dict.fromkeys((status.value for status in Status), 0)
    for (_, what), count in totals.items():
        kind, _, rest = what.partition(".")
        if kind == "born":
            found[Status.UNKNOWN.value] += count
        elif kind == "moved":
            before, _, after = rest.partition(".")
            found[before] -= count
            found[after] += count
    return found


def open_jobs(by_status: Mapping[str, int]) -> int:
    return sum(by_status[status.value] for status in OPEN)


@dataclass(frozen=True, slots=True)
class Held:
    """The failures of one category that hold now, by code. What came true as it was asked for is counted apart."""

    category: str
    codes: Mapping[str, int]
    as_asked: int

    @property
    def count(self) -> int:
        return sum(self.codes.values())


def failures_held(totals: Counted) -> list[Held]:
    """For each category, in the order of the words."""
    counted: Counter[tuple[str, str]] = Counter()
    for (_, what), count in totals.items():
        kind, _, rest = what.partition(".")
        category, _, code = rest.partition(".")
        if kind in ("began", "cleared"):
            counted[category, code] += count if kind == "began" else -count
    return [_held(category.value, counted) for category in Category]


def _held(category: str, counted: Mapping[tuple[str, str], int]) -> Held:
    ours = {code: count for (each, code), count in counted.items() if each == category and count > 0}
    wrong = {code: count for code, count in sorted(ours.items(), key=_most) if not is_as_asked(code)}
    return Held(category, wrong, sum(count for code, count in ours.items() if is_as_asked(code)))


def _most(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


@dataclass(frozen=True, slots=True)
class Requests:
    """What came to the receiver in some time. `accepted` are all that were taken; of these, `duplicate` brought a delivery that
    was known already, and `unreadable` could not be read."""

    accepted: int = 0
    duplicate: int = 0
    unreadable: int = 0
    refused: Mapping[str, int] | None = None

    @property
    def refused_count(self) -> int:
        return sum((self.refused or {}).values())

    @property
    def all(self) -> int:
        return self.accepted + self.refused_count

    @property
    def worst_refusal(self) -> str | None:
        refused = self.refused or {}
        return max(sorted(refused), key=lambda reason: refused[reason], default=None)


def requests_of(counted: Counted, source: str | None = None) -> Requests:
    """Of one source, or of all and of those that nobody knows."""
    sums: Counter[str] = Counter()
    for (each, what), count in counted.items():
        if source is None or each == source:
            sums[what] += count
    refused = {what.removeprefix("refused."): count for what, count in sums.items() if what.startswith("refused.")}
    return Requests(sums["accepted"], sums["duplicate"], sums["unreadable"], refused)
