"""Reading and drawing scenarios."""

import pytest

from sandbox.faults import REFUSALS
from sandbox.scenarios import (
    CREATE_FAULTS,
    EXCLUSIVE,
    PAIRS,
    STATUS_FAULTS,
    WORDS,
    UnknownScenario,
    drawn_scenario,
    read_scenario,
)


def test_words_combine() -> None:
    """
    Words are joined by commas, with or without spaces.
    """
    scenario = read_scenario("webhook_lost, fails,")

    assert scenario.words == {"webhook_lost", "fails"}
    assert "fails" in scenario
    assert "expires" not in scenario


def test_unknown_word_is_answered_with_the_known_ones() -> None:
    """
    A misspelt scenario is refused with a message that lists every word there is.
    """
    with pytest.raises(UnknownScenario) as refused:
        read_scenario("webhook_lots")

    assert all(word in str(refused.value) for word in ["webhook_lots", *WORDS])


@pytest.mark.parametrize("group", EXCLUSIVE, ids=min)
def test_contradictions_are_refused(group: set[str]) -> None:
    """
    Two words that would decide the same thing are not combined silently.
    """
    with pytest.raises(UnknownScenario, match="decide the same thing"):
        read_scenario(",".join(sorted(group)[:2]))


def test_draws_repeat() -> None:
    """
    A seed gives the same sequence every time, and another seed another one.
    """
    first, again, other = ([drawn_scenario(seed, nth).text for nth in range(50)] for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_draws_reach_everything() -> None:
    """
    Every word and every pair is drawn sooner or later, but for those that spoil the create call itself or fill a disk.
    """
    drawn = {drawn_scenario(1, nth).text for nth in range(1500)}

    assert drawn == {*WORDS, *PAIRS} - CREATE_FAULTS - {"output_huge"}


def test_every_status_word_is_played() -> None:
    """
    Each word about status answers is a fault of single answers, or one of the two that last.
    """
    assert {word for word in WORDS if word.startswith("status_")} == {*STATUS_FAULTS, "status_slow", "status_stale"}
    assert set(STATUS_FAULTS) == {*REFUSALS, "status_malformed", "status_429_date"}


@pytest.mark.parametrize("word", ["rows_fail", "cancel_late", "create_refused"])
def test_words_that_cannot_happen_to_a_video(word: str) -> None:
    """
    A video has no rows, no files and no cancels; a word about them is refused.
    """
    with pytest.raises(UnknownScenario, match="cannot happen to a video"):
        read_scenario(word, "video")
