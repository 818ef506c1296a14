"""When content comes too slowly."""

import pytest

from reconciler.slowness import Slowness

BOUND = Slowness(least=100, seconds=60).begun(1000)


@pytest.mark.parametrize(
    ("came", "is_too_slow"),
    [
        ([(1, 30), (1, 59.9)], False),  # nobody judges before the span is over
        ([(1, 30), (1, 60)], True),
        ([(99, 1), (1, 60)], False),
        ([(100, 59), (1, 61)], False),
        ([(1_000_000, 1), (1, 61), (1, 122)], True),  # what came before does not count in the next span
        ([(1, 90)], True),
    ],
)
def test_spans(came: list[tuple[int, float]], is_too_slow: bool) -> None:
    """In each span of time so many bytes have to come."""
    slowness = BOUND
    for size, seconds in came:
        slowness = slowness.after(size, 1000 + seconds)
    assert slowness.is_too_slow is is_too_slow
    assert str(slowness) == "less than 100 bytes within 60 s"
