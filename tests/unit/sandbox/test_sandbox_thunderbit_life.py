"""The life of a job at Thunderbit's stand-in, second by second."""

import pytest

from sandbox.thunderbit.life import Fate, end_of, fate_of, page_status, status_at
from sandbox.thunderbit.scenarios import EXCLUSIVE, WORDS, UnknownScenario, read_scenario


def fate(words: str) -> Fate:
    return fate_of(read_scenario(words))


@pytest.mark.parametrize(
    ("lived", "job", "first", "second"),
    [
        (-1, "PENDING", "PENDING", "PENDING"),
        (9.9, "PENDING", "PENDING", "PENDING"),
        (10, "PROCESSING", "PROCESSING", "PENDING"),
        (10.3, "PROCESSING", "PROCESSING", "PROCESSING"),
        (30, "PROCESSING", "SUCCEEDED", "PROCESSING"),
        (30.3, "COMPLETED", "SUCCEEDED", "SUCCEEDED"),
        (10_000, "COMPLETED", "SUCCEEDED", "SUCCEEDED"),
    ],
)
def test_a_thunderbit_job_undisturbed(lived: float, job: str, first: str, second: str) -> None:
    """
    Ten seconds in the queue, twenty for each page, and the pages begin shortly after one another.
    """
    end = end_of(Fate(), 2, None)

    assert status_at(Fate(), end, lived) == job
    assert [page_status(Fate(), end, index, lived) for index in (0, 1)] == [first, second]


@pytest.mark.parametrize(
    ("words", "pages", "cancel_asked", "status", "at"),
    [
        ("", 1, None, "COMPLETED", 30),
        ("", 100, None, "COMPLETED", 59.7),
        ("fails", 1, None, "FAILED", 22.5),
        ("webhook_early", 100, None, "COMPLETED", 0),
        ("webhook_early,fails", 100, None, "FAILED", 0),
        ("", 1, 20, "CANCELLED", 22),
        ("", 1, 29, "COMPLETED", 30),
        ("fails", 1, 21, "FAILED", 22.5),
        ("cancel_late", 1, 5, "CANCELLED", 25),
        ("cancel_late", 1, 15, "COMPLETED", 30),
        ("cancel_loses", 1, 1, "COMPLETED", 30),
        ("cancel_too_late", 1, 1, "COMPLETED", 1),
        ("cancel_too_late,fails", 1, 1, "FAILED", 1),
    ],
)
def test_how_a_thunderbit_job_ends(words: str, pages: int, cancel_asked: float | None, status: str, at: float) -> None:
    """
    The scenario decides how a job ends and when; a cancel loses against an end that comes before its effect.
    """
    end = end_of(fate(words), pages, cancel_asked)

    assert (end.status, end.at) == (status, pytest.approx(at))


def test_what_a_cancelled_job_has_not_read_stays_as_it_was() -> None:
    """
    After a cancel no page begins and none ends any more.
    """
    end = end_of(Fate(), 100, 32)

    assert [page_status(Fate(), end, index, 1_000) for index in (0, 13, 14, 80, 81)] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "PROCESSING",
        "PROCESSING",
        "PENDING",
    ]


def test_what_a_failed_job_has_not_read_has_failed() -> None:
    """
    A page that was not read by then fails with the job.
    """
    end = end_of(fate("fails"), 100, None)

    assert [page_status(fate("fails"), end, index, 1_000) for index in (0, 49, 50, 99)] == [
        "SUCCEEDED",
        "SUCCEEDED",
        "FAILED",
        "FAILED",
    ]


def test_a_misspelt_thunderbit_word_is_answered_with_the_known_ones() -> None:
    """
    The message lists every word there is.
    """
    with pytest.raises(UnknownScenario) as refused:
        read_scenario("webhook_lots")

    assert all(word in str(refused.value) for word in ["webhook_lots", *WORDS])


@pytest.mark.parametrize("group", EXCLUSIVE, ids=min)
def test_thunderbit_words_that_contradict_each_other(group: set[str]) -> None:
    """
    Two words that would decide the same thing are not combined silently, and each is a word.
    """
    assert group <= WORDS.keys()
    with pytest.raises(UnknownScenario, match="decide the same thing"):
        read_scenario(",".join(sorted(group)[:2]))
