"""Watching: when a watched job is asked about beside its socket, and how the pauses between its sockets grow."""

from typing import Any

import pytest
from factories import ENDS, NOW, OPEN_STATUSES, job, thoroughly
from hypothesis import given
from hypothesis import strategies as st

from reconciler.watching import BESIDE, EVERY, FIRST_PAUSE, LIVED, LONGEST_PAUSE, Tries, between, is_to_be_asked
from schemas.times import DAY, HOUR, MINUTE, SECOND
from schemas.words import Status

LONG_AGO = NOW - HOUR


@pytest.mark.parametrize(
    ("live", "columns", "asked"),
    [
        (None, {"asked_at": LONG_AGO}, True),
        (None, {"asked_at": NOW - EVERY}, True),
        (None, {"asked_at": NOW - EVERY + 1}, False),
        (None, {"asked_at": NOW + DAY}, True),  # our clock was set back: it must not keep us from asking until then
        (None, {"asked_at": None}, False),  # never asked about: it is due since its birth
        (None, {"asked_at": LONG_AGO, "wanted_at": NOW - SECOND}, False),  # asked about at a pace that has its reasons
        (None, {"asked_at": LONG_AGO, "failed_asks": 1}, False),
        (None, {"asked_at": LONG_AGO, "denials": 1}, False),
        (Status.RUNNING, {"asked_at": NOW - BESIDE + 1}, False),  # its socket says what we know
        (Status.RUNNING, {"asked_at": NOW - BESIDE}, True),
        (Status.PENDING, {"asked_at": LONG_AGO}, True),
        (Status.COMPLETED, {"asked_at": LONG_AGO}, True),
        (Status.COMPLETED, {"asked_at": NOW - EVERY + 1}, False),
    ],
)
def test_when_to_ask(live: Status | None, columns: dict[str, Any], asked: bool) -> None:
    """Every few seconds, more seldom beside a socket that says what we know, and not when it is asked about anyhow."""
    assert is_to_be_asked(job(Status.RUNNING, **columns), live, EVERY, NOW) is asked


@pytest.mark.parametrize("known", OPEN_STATUSES)
@pytest.mark.parametrize("live", [None, *OPEN_STATUSES, *ENDS])
def test_a_socket_that_agrees(known: Status, live: Status | None) -> None:
    """Whatever is known: a socket that says the same spares questions, and any other word does not."""
    assert is_to_be_asked(job(known, asked_at=NOW - EVERY), live, EVERY, NOW) is (live is not known)


def test_a_budget_counts_beside_a_socket() -> None:
    """Where the budget wants longer pauses, they hold for jobs with a socket, too."""
    row = job(asked_at=NOW - BESIDE)
    assert not is_to_be_asked(row, Status.RUNNING, BESIDE + 1, NOW)


@pytest.mark.parametrize(
    ("watched", "per_minute", "every"),
    [
        (1, None, EVERY),
        (100, None, EVERY),
        (1, 6000, EVERY),
        (1, 24, EVERY),  # twelve of the 24 go to the watched one
        (2, 24, 2 * EVERY),
        (100, 60, 200 * SECOND),
        (1, 1, 2 * MINUTE),
    ],
)
def test_between(watched: int, per_minute: int | None, every: int) -> None:
    """Every five seconds, and as much more seldom as leaves half of the budget to others."""
    assert between(watched, per_minute) == every


@thoroughly
@given(st.integers(1, 100), st.integers(1, 100_000))
def test_half_a_budget_is_left(watched: int, per_minute: int) -> None:
    """However many are watched, within a minute they are asked about by no more than half of the budget."""
    assert watched * MINUTE <= between(watched, per_minute) * per_minute / 2


def test_pauses_grow() -> None:
    """5, 10, 20 seconds and so on up to five minutes, as long as sockets end soon."""
    tries, pauses = Tries(), []
    for _ in range(9):
        tries = tries.ended(LIVED - 1, None, 0.5, NOW)
        pauses.append((tries.again_at - NOW) // SECOND)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_socket_that_held_is_not_held_against_the_next() -> None:
    """After one that lived for a minute the pauses begin anew; they never vanish."""
    tries = Tries(in_vain=7).ended(LIVED, None, 0.5, NOW)
    assert tries == Tries(1, NOW + FIRST_PAUSE)


@pytest.mark.parametrize(
    ("wish", "pause"),
    [(0, 5), (SECOND, 5), (40 * SECOND, 40), (DAY, 15 * 60), (-DAY, 5)],
)
def test_a_wish_is_heard(wish: int, pause: int) -> None:
    """A Retry-After prolongs the pause, up to a quarter of an hour, and never shortens it."""
    assert Tries().ended(0, wish, 0.5, NOW) == Tries(1, NOW + pause * SECOND)


@thoroughly
@given(st.integers(0, 1_000_000), st.integers(0, DAY), st.floats(0, 1))
def test_pauses_have_bounds(in_vain: int, lived: int, jitter: float) -> None:
    """Never less than four seconds, never more than six minutes, however it went and whatever the jitter."""
    pause = Tries(in_vain).ended(lived, None, jitter, NOW).again_at - NOW
    assert 0.85 * FIRST_PAUSE <= pause <= 1.15 * LONGEST_PAUSE
