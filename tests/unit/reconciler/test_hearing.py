"""Hearing: whether a source's webhooks arrive."""

from functools import reduce

import pytest
from factories import NOW

from reconciler.hearing import PATIENCE, UNHEARD_ENDS, Hearing
from schemas.times import HOUR, MINUTE, SECOND


def ends(count: int, hearing: Hearing | None = None) -> Hearing:
    """Jobs that end unannounced, a second apart."""
    return reduce(lambda so_far, number: so_far.saw_end(NOW + number * SECOND), range(count), hearing or Hearing())


def test_nothing_to_tell_from() -> None:
    """A source of which nothing was heard or seen is neither silent nor speaking."""
    assert Hearing().is_silent(NOW) is None


@pytest.mark.parametrize(
    ("count", "later", "silent"),
    [
        (UNHEARD_ENDS, PATIENCE + 1, True),
        (UNHEARD_ENDS, PATIENCE, None),  # their webhooks may be on the way
        (UNHEARD_ENDS - 1, 9 * HOUR, None),  # two may be chance
        (99, PATIENCE + 1, True),
    ],
)
def test_silent(count: int, later: int, silent: bool | None) -> None:
    """Three ends without a word for more than five minutes since the first make a source silent."""
    assert ends(count).is_silent(NOW + later) is silent


@pytest.mark.parametrize(("later", "silent"), [(0, False), (HOUR - 1, False), (HOUR, None)])
def test_heard(later: int, silent: bool | None) -> None:
    """A receipt within the hour shows that webhooks come."""
    assert Hearing().heard(NOW).is_silent(NOW + later) is silent


def test_heard_again() -> None:
    """One receipt ends the silence, and the ends before it count no more."""
    hearing = ends(9).heard(NOW + HOUR)
    assert hearing.is_silent(NOW + HOUR) is False
    assert hearing.saw_end(NOW + HOUR).is_silent(NOW + 9 * HOUR) is None


def test_silent_although_heard_lately() -> None:
    """Unannounced ends outweigh a receipt from before them: an outage shows in minutes and not in an hour."""
    hearing = ends(UNHEARD_ENDS, Hearing().heard(NOW))
    assert hearing.is_silent(NOW + MINUTE) is False
    assert hearing.is_silent(NOW + 6 * MINUTE) is True
