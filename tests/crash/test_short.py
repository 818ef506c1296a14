"""The crash runner's short form: every named point once, in three lives, on each store that can be tried here."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from storage.points import POINTS

from .plan import UNREACHABLE
from .postgresql import postgresql
from .report import is_good, report
from .run import Options, run
from .stores import Missing, SQLite, Store

pytestmark = pytest.mark.processes


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "sqlite":
        yield SQLite()
        return
    try:
        with postgresql() as found:
            yield found
    except Missing as missing:
        pytest.skip(str(missing))


def points_of(*letters: str) -> list[str]:
    return [point for point in POINTS if point[0] in letters and point not in UNREACHABLE]


# The letters of points, in which form the service runs, and how many kills at random come on top.
LIVES = {
    "receiving": (("R",), "up", 3),
    "judging and polling": (("A", "P"), "split", 0),
    "the rest": (tuple({point[0] for point in POINTS} - {"R", "A", "P"}), "up", 0),
}


@pytest.mark.parametrize(("letters", "shape", "at_random"), LIVES.values(), ids=LIVES)
def test_killed_at_every_named_point(store: Store, letters: tuple[str, ...], shape: str, at_random: int) -> None:
    """
    Killed under load the second time that a point is reached, and started again: nothing that was acknowledged is lost or
    there twice, and every batch ends as the sandbox says.
    """
    points = points_of(*letters)
    options = Options(random.randrange(1_000_000), len(points) + at_random, (shape,), points, counts=(2,))
    tally = asyncio.run(run(store, options, print))

    assert is_good(tally, points), f"seed {options.seed}\n{report(tally, points)}"
    assert tally.kills >= len(points)
