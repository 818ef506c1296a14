"""The crash runner's short form: every named point once, in a few lives, on each store that can be tried here."""

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from storage.points import POINTS

from .plan import UNREACHABLE
from .postgresql import postgresql
from .report import is_good, report
from .run import Options, run
from .stores import Missing, SQLite, Store

pytestmark = pytest.mark.processes


@contextmanager
def store_named(name: str) -> Iterator[Store]:
    if name == "sqlite":
        yield SQLite()
        return
    with ExitStack() as stack:
        try:
            store = stack.enter_context(postgresql())
        except Missing as missing:
            if os.environ.get("BATCHKEEPER_TEST_ALL"):
                raise
            pytest.skip(str(missing))
        yield store


def points_of(*letters: str) -> list[str]:
    return [point for point in POINTS if point[0] in letters and point not in UNREACHABLE]


# The store, the letters of points, in which form the service runs, and how many kills at random come on top.
LIVES = {
    "sqlite: receiving": ("sqlite", ("R",), "up", 2),
    "sqlite: judging and polling": ("sqlite", ("A", "P"), "split", 0),
    "sqlite: the rest": ("sqlite", tuple({point[0] for point in POINTS} - {"R", "A", "P"}), "up", 0),
    "postgresql: receiving": ("postgresql", ("R",), "many", 0),
    "postgresql: the rest": ("postgresql", tuple({point[0] for point in POINTS} - {"R", "P"}), "up", 0),
}


@pytest.mark.parametrize(
    ("name", "letters", "shape", "at_random"),
    [pytest.param(*life, id=name, marks=getattr(pytest.mark, life[0])) for name, life in LIVES.items()],
)
def test_killed_at_every_named_point(name: str, letters: tuple[str, ...], shape: str, at_random: int) -> None:
    """
    Killed under load the second time that a point is reached, and started again: nothing that was acknowledged is lost or
    there twice, and every batch ends as the sandbox says.
    """
    points = points_of(*letters)
    options = Options(random.randrange(1_000_000), len(points) + at_random, (shape,), points, counts=(2,))
    with store_named(name) as store:
        tally = asyncio.run(run(store, options, print))

    assert is_good(tally, points), f"seed {options.seed}\n{report(tally, points)}"
    assert tally.kills >= len(points)
