"""What the dates of a provider's answers say of our clock."""

from email.utils import formatdate

import pytest
from factories import NOW

from reconciler.clocks import ClockRead
from schemas.times import HOUR, SECOND


def date(at: int) -> str:
    return formatdate(at // SECOND, usegmt=True)


@pytest.mark.parametrize(
    ("theirs", "ahead"),
    [
        ([], None),
        ([0], 0),
        ([HOUR], -HOUR),
        ([0, 0, HOUR], 0),  # one out of a cache does not count
        ([HOUR, 0, 0, 0, 0, 0], 0),  # neither does what was read long before
        ([0, HOUR, HOUR, HOUR], -HOUR),
    ],
)
def test_the_middle_one_counts(theirs: list[int], ahead: int | None) -> None:
    """Of the last five answers the middle one says how far our clock is ahead; none has a date: nothing is known."""
    read = ClockRead()
    for offset in theirs:
        read.read(date(NOW + offset), NOW, NOW)
    read.read(None, NOW, NOW)
    read.read("tomorrow", NOW, NOW)

    assert read.ahead == ahead
    assert read.at == (NOW if theirs else None)
