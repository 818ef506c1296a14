"""What the failures that hold add up to, by category. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

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


def _held(category: str, codes: Mapping[str, int]) -> Held:
    wrong = {code: count for code, count in sorted(codes.items(), key=_most) if not is_as_asked(code)}
    return Held(category, wrong, sum(count for code, count in codes.items() if is_as_asked(code)))


def _most(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
