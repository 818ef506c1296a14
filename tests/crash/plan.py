"""What a run kills: every named point with every count first, then at random, in lives of some twenty kills each."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from storage.points import POINTS

MIGRATION = ("M1", "M2")
SUBMISSION = "S1"  # where the command that submits is killed
ONCE = (*MIGRATION, SUBMISSION)  # no process comes by there twice
COUNTS = (1, 2, 3)
KILLS_A_LIFE = 24
RANDOM = "random"

# Points that no run can reach, each with the reason.
_BY_HAND = "only `batchkeeper reverify` comes by there; tests/flow/test_reverify.py kills it"
UNREACHABLE: dict[str, str] = dict.fromkeys(("V1", "V2", "V3"), _BY_HAND)


@dataclass(frozen=True)
class Kill:
    """One death: at a named point, the count-th time that it is reached, or at random."""

    point: str
    count: int = 1

    def __str__(self) -> str:
        return self.point if self.point == RANDOM else f"{self.point}:{self.count}"


@dataclass(frozen=True)
class LifePlan:
    """One database from its first migration to its last check."""

    shape: str
    number: int
    kills: tuple[Kill, ...]


def systematic(points: Sequence[str], counts: Sequence[int] = COUNTS) -> list[Kill]:
    """Each point with each count, where there is more than one."""
    return [Kill(point, count) for point in points for count in ((1,) if point in ONCE else counts)]


def plan(
    shapes: Sequence[str], kills: int, points: Sequence[str], counts: Sequence[int], chance: random.Random
) -> list[LifePlan]:
    """Systematic kills for each shape of the service, and random ones until there are `kills` in all."""
    named = {shape: systematic(points, counts) for shape in shapes}
    left = max(0, kills - sum(map(len, named.values())))
    lives: list[LifePlan] = []
    for index, shape in enumerate(shapes):
        share = left // len(shapes) + (index < left % len(shapes))
        for kills_of_it in _lives([*named[shape], *[Kill(RANDOM)] * share], chance):
            lives.append(LifePlan(shape, len(lives) + 1, kills_of_it))
    return lives


def _lives(kills: Sequence[Kill], chance: random.Random) -> Iterator[tuple[Kill, ...]]:
    """Migrations come first in a life, the rest in an order that chance decides."""
    migrations = [kill for kill in kills if kill.point in MIGRATION]
    others = [kill for kill in kills if kill.point not in MIGRATION]
    chance.shuffle(others)
    rest = iter(others)
    first = tuple(islice(rest, max(1, KILLS_A_LIFE - len(migrations))))
    yield (*migrations, *first)
    while some := tuple(islice(rest, KILLS_A_LIFE)):
        yield some


def all_points() -> list[str]:
    return [point for point in POINTS if point not in UNREACHABLE]
