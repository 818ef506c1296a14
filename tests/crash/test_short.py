"""The crash runner's short form: every named point once, in a few lives, on each store that can be tried here."""

import asyncio
import random

import pytest

from storage.points import POINTS

from .plan import UNREACHABLE
from .postgresql import PostgreSQL
from .report import is_good, not_reached, report
from .run import Options, run
from .stores import SQLite, Store
from .tally import Tally

pytestmark = pytest.mark.processes


def store_named(name: str, request: pytest.FixtureRequest) -> Store:
    return SQLite() if name == "sqlite" else PostgreSQL(request.getfixturevalue("postgresql").url)


def points_of(*letters: str) -> list[str]:
    return [point for point in POINTS if point[0] in letters and point not in UNREACHABLE]


# The store, the letters of points, in which form the service runs, and how many kills at random come on top.
LIVES = {
    "sqlite: receiving": ("sqlite", ("R",), "up", 2),
    "sqlite: judging and polling": ("sqlite", ("A", "P"), "split", 0),
    "sqlite: submitting": ("sqlite", ("S",), "up", 0),
    "sqlite: fetching": ("sqlite", ("D",), "split", 0),
    "sqlite: handing on": ("sqlite", ("H",), "up", 0),
    "sqlite: the rest": ("sqlite", tuple({point[0] for point in POINTS} - set("RAPSDH")), "up", 0),
    "postgresql: receiving": ("postgresql", ("R",), "many", 0),
    "postgresql: judging": ("postgresql", ("A", "M"), "up", 0),
}


@pytest.mark.parametrize(
    ("name", "letters", "shape", "at_random"),
    [pytest.param(*life, id=name, marks=getattr(pytest.mark, life[0])) for name, life in LIVES.items()],
)
def test_killed_at_every_named_point(
    name: str, letters: tuple[str, ...], shape: str, at_random: int, request: pytest.FixtureRequest
) -> None:
    """
    Killed under load the second time that a point is reached, and started again: nothing that was acknowledged is lost or
    there twice, and every batch ends as the sandbox says. A point that was not reached in time is tried once more.
    """
    store, points = store_named(name, request), points_of(*letters)
    tally = _run(store, shape, points, at_random)
    missed = not_reached(tally, points)
    if missed:
        assert not tally.breaches, report(tally, points)
        tally, points = _run(store, shape, missed, 0), missed

    assert is_good(tally, points), report(tally, points)


def _run(store: Store, shape: str, points: list[str], at_random: int) -> Tally:
    options = Options(random.randrange(1_000_000), len(points) + at_random, (shape,), points, counts=(2,))
    print(f"seed {options.seed}")
    return asyncio.run(run(store, options, print))
