"""The request budget: no minute sees more than it allows, and what may leave does so without a pause that is not needed."""

import pytest
from factories import NOW, thoroughly
from hypothesis import given
from hypothesis import strategies as st

from reconciler.budget import Budget, Meter
from schemas.times import HOUR, MINUTE, SECOND

budgets = st.one_of(st.integers(1, 50), st.integers(1, 1_000_000))


def fewest_apart(left: list[int], many: int) -> int:
    """The shortest time from one question to the one so many after it: a minute, if no minute holds more than so many."""
    return min((later - first for first, later in zip(left, left[many:], strict=False)), default=MINUTE)


def leaving(budget: Budget, now: int) -> Budget:
    assert budget.left(now, 1) == 1
    return budget.spend(now)


@pytest.mark.parametrize(("per_minute", "burst"), [(1, 1), (9, 1), (10, 1), (20, 2), (600, 60), (1_000_000, 100_000)])
def test_burst(per_minute: int, burst: int) -> None:
    """A source that was left alone may be asked a tenth of its budget at once, and one question at least."""
    assert Budget(per_minute).left(NOW, 1 << 30) == burst


def test_none() -> None:
    """Without a budget as many may leave as are wished for, and at once."""
    budget = Budget()
    for _ in range(100):
        budget = leaving(budget, NOW)

    assert (budget.left(NOW, 16), budget.next_at(NOW)) == (16, NOW)


@pytest.mark.parametrize("per_minute", [1, 2, 7, 60, 600])
def test_no_minute_above(per_minute: int) -> None:
    """Asked as often as it lets us over ten minutes, no sixty seconds of it hold more than the budget, and none much less."""
    budget, now, left = Budget(per_minute), NOW, []
    while now < NOW + 10 * MINUTE:
        budget = leaving(budget, now)
        left.append(now)
        now = budget.next_at(now)

    assert fewest_apart(left, per_minute) >= MINUTE
    assert len(left) >= 0.9 * 10 * per_minute


@thoroughly
@given(budgets, st.lists(st.integers(0, 2 * MINUTE), max_size=60))
def test_any_gaps(per_minute: int, gaps: list[int]) -> None:
    """Whenever we come to ask, what leaves within any sixty seconds is within the budget."""
    budget, now, left = Budget(per_minute), NOW, []
    for gap in gaps:
        now += gap
        while budget.left(now, 1) and len(left) < 200:
            budget = budget.spend(now)
            left.append(now)

    assert fewest_apart(left, per_minute) >= MINUTE


@thoroughly
@given(budgets, st.lists(st.integers(-HOUR, HOUR), max_size=20))
def test_the_next_is_in_sight(per_minute: int, steps: list[int]) -> None:
    """Whatever the clock does, the next question may leave at the time that is told, and that is within a minute."""
    budget, now = Budget(per_minute), NOW
    for step in steps:
        now += step
        budget = budget.spend(now)
        at = budget.next_at(now)

        assert now <= at <= now + MINUTE
        assert budget.left(at, 1) == 1
        assert at == now or budget.left(at - 1, 1) == 0


def test_meter() -> None:
    """What has left is counted for a minute; a clock that was taken back leaves nothing behind."""
    meter = Meter()
    for second in range(300):
        meter.count(NOW + second * SECOND)

    assert meter.last_minute(NOW + 299 * SECOND) == 60
    assert meter.last_minute(NOW + 329 * SECOND) == 30
    assert meter.last_minute(NOW - HOUR) == 0
