"""The list's quirks, which a consumer has to know about."""

import pytest

from sandbox.generations import G2
from sandbox.listing import list_limit, wanted_statuses


@pytest.mark.parametrize(
    ("written", "expected"),
    [(None, 1), ("", 1), ("5", 5), ("7.9", 7), ("0", 1), ("-3", 1), ("101", 100), ("many", 20), ("1e2", 20)],
)
def test_limit(written: str | None, expected: int) -> None:
    """
    Left out, the limit is one; words make it twenty; numbers are cut to 1..100.
    """
    assert list_limit(written) == expected


OPEN = {"in_progress", "finalizing", "cancelling"}
WAITING = {"pending", "queued", "validating"}


@pytest.mark.parametrize(
    ("status", "statuses", "expected"),
    [
        ([], None, None),
        (["pending"], None, WAITING),
        (["queued"], None, WAITING),
        (["running"], None, OPEN),
        (["processing"], None, OPEN),
        (["canceled"], None, {"cancelled", "canceled"}),
        (["completed", "failed"], None, {"completed", "failed"}),
        (["COMPLETED"], None, {"completed"}),
        (["completed", "finalizing"], None, {"completed"}),
        ([], "completed, expired", {"completed", "expired"}),
        (["failed"], "expired", {"failed", "expired"}),
    ],
)
def test_filter_words(status: list[str], statuses: str | None, expected: set[str] | None) -> None:
    """
    A filter word stands for a family of stored statuses, and words add up.
    """
    assert wanted_statuses(status, statuses, G2) == expected


@pytest.mark.parametrize("word", ["validating", "finalizing", "complete", "completed,failed"])
def test_misspelt_filter_lets_everything_pass(word: str) -> None:
    """
    An unknown word is dropped, also two words joined by a comma; alone it leaves no filter at all.
    """
    assert wanted_statuses([word], None, G2) is None
