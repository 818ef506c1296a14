"""The life of a batch at the provider, second by second."""

import pytest

from sandbox.life import END, Fate, end_of, fate_of, rows_done, stages_so_far
from sandbox.scenarios import read_scenario

FATE = Fate()


def status(fate: Fate, lived: float, cancel_asked: float | None = None) -> str:
    return stages_so_far(fate, cancel_asked, lived)[-1].status


@pytest.mark.parametrize(
    ("lived", "expected"),
    [
        (-1, "validating"),
        (0, "validating"),
        (29.9, "validating"),
        (30, "in_progress"),
        (509.9, "in_progress"),
        (510, "finalizing"),
        (539.9, "finalizing"),
        (540, "completed"),
        (10_000, "completed"),
    ],
)
def test_undisturbed(lived: float, expected: str) -> None:
    """
    Half a minute of validating, eight minutes of work, half a minute of finalizing, and done.
    """
    assert status(FATE, lived) == expected


@pytest.mark.parametrize(("words", "end"), [("", "completed"), ("fails", "failed"), ("expires", "expired")])
def test_ends(words: str, end: str) -> None:
    """
    The scenario decides how it ends, and only one of them when.
    """
    fate, long = fate_of(read_scenario(words)), fate_of(read_scenario(f"{words},works_long".lstrip(",")))

    assert (status(fate, END), end_of(fate, None)) == (end, END)
    assert (status(long, END), end_of(long, None)) == ("in_progress", END + 1800 - 480)
    assert rows_done(long, None, 930, 12) * 2 == rows_done(long, None, 1830, 12)


@pytest.mark.parametrize(
    ("words", "lived", "expected"),
    [
        ("", 99, "in_progress"),
        ("", 100, "cancelling"),
        ("", 119, "cancelling"),
        ("", 120, "cancelled"),
        ("", 900, "cancelled"),
        ("cancel_late", 399, "cancelling"),
        ("cancel_late", 400, "cancelled"),
        ("cancel_loses", 539, "cancelling"),
        ("cancel_loses", 540, "completed"),
        ("cancel_loses,fails", 540, "failed"),
        ("cancel_at_once", 99, "in_progress"),
        ("cancel_at_once", 100, "cancelled"),
        ("cancel_too_late", 99, "in_progress"),
        ("cancel_too_late", 100, "completed"),
        ("cancel_too_late,fails", 100, "failed"),
        ("cancel_too_late,expires", 100, "expired"),
    ],
)
def test_cancel_asked_after_100_seconds(words: str, lived: float, expected: str) -> None:
    """
    A cancel takes 20 seconds, or 5 minutes, or no time at all, or comes to nothing because the end comes first.
    """
    assert status(fate_of(read_scenario(words)), lived, cancel_asked=100) == expected


@pytest.mark.parametrize("asked", [0, 10, 100, 520])
def test_an_early_end_has_all_its_stages(asked: float) -> None:
    """
    A batch that ends in the moment of its cancel has gone through every stage by then, and none after it.
    """
    gone = stages_so_far(fate_of(read_scenario("cancel_too_late")), asked, asked)

    assert [stage.status for stage in gone] == ["validating", "in_progress", "finalizing", "completed"]
    assert max(stage.begins for stage in gone) == asked


def test_cancel_at_the_last_moment() -> None:
    """
    A cancel that was accepted wins even if the batch would have ended meanwhile.
    """
    assert status(FATE, 541, cancel_asked=535) == "cancelling"
    assert status(FATE, 556, cancel_asked=535) == "cancelled"


@pytest.mark.parametrize(
    ("fate", "cancel_asked", "lived", "expected"),
    [
        (FATE, None, 10, 0),
        (FATE, None, 270, 5),
        (FATE, None, 510, 10),
        (FATE, None, 9999, 10),
        (FATE, 270, 9999, 5),
        (Fate(cancel_wins=False), 270, 9999, 10),
        (Fate(cancel_comes_last=True), 270, 270, 10),
        (Fate("expired", cancel_comes_last=True), 270, 270, 5),
        (Fate("failed", cancel_comes_last=True), 270, 270, 0),
        (Fate("failed"), None, 9999, 0),
        (Fate("expired"), None, 9999, 5),
    ],
)
def test_rows_of_ten_done(fate: Fate, cancel_asked: float | None, lived: float, expected: int) -> None:
    """
    Rows are worked off evenly; a cancel stops that, a failure means it never began, expiry leaves half undone, an early end none.
    """
    assert rows_done(fate, cancel_asked, lived, 10) == expected
