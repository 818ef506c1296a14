"""What the failures that hold add up to, by category. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operators.dashboard.failure_words import is_as_asked


@dataclass(frozen=True, slots=True)
class Held:
    """The failures of one category that hold now, by code, the most frequent first. What came true as it was asked for is counted
    apart."""

    category: str
    codes: Mapping[str, int]
    as_asked: int

    @property
    def count(self) -> int:
        return sum(self.codes.values())


def failures_held(failures: Mapping[str, Mapping[str, int]]) -> list[Held]:
    """Of the counts by category and code, as `status` has them."""
    return [_held(category, codes) for category, codes in failures.items()]


@dataclass(frozen=True, slots=True)
class Asking:
    """What our own asking has trouble with: how much, where there may be more with a `+`, and in words."""

    count: str
    told: str


def asking_trouble(trouble: Mapping[str, Any], submissions: Mapping[str, Any]) -> Asking:
    """Of `trouble` and `submissions`, as `status` has them. Of submissions only the oldest were looked at."""
    held_up = submissions["held_up"]
    more_held_up = held_up == len(submissions["longest"]) < submissions["waiting"]
    parts = [
        _several(len(trouble["sources"]), "source"),
        _several(len(trouble["jobs"]), "job", trouble["more_jobs"]),
        *([_several(held_up, "submission", more_held_up)] if held_up else []),
    ]
    count = len(trouble["sources"]) + len(trouble["jobs"]) + held_up
    more = "+" if trouble["more_jobs"] or (held_up and more_held_up) else ""
    return Asking(f"{count}{more}", ", ".join(parts) if count else "every question is answered")


def _several(count: int, word: str, or_more: bool = False) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}{' or more' if or_more else ''}"


def _held(category: str, codes: Mapping[str, int]) -> Held:
    wrong = {code: count for code, count in sorted(codes.items(), key=_most) if not is_as_asked(code)}
    return Held(category, wrong, sum(count for code, count in codes.items() if is_as_asked(code)))


def _most(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
