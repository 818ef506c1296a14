"""The budget of refusals: a token bucket that bears any clock and any number of senders."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.flood import Flood


class TestFlood:
    def test_a_budget_is_spent(self) -> None:
        """So many a minute, and no more."""
        flood = Flood(per_minute=3)
        assert [flood.spend("a", 0.0) for _ in range(5)] == [True, True, True, False, False]

    def test_it_fills_again_with_time(self) -> None:
        """A third of a minute later a third of the budget is back, and after a long silence the whole and not more."""
        flood = Flood(per_minute=3)
        assert all(flood.spend("a", 0.0) for _ in range(3))
        assert [flood.spend("a", 20.0) for _ in range(2)] == [True, False]
        assert [flood.spend("a", 1e9) for _ in range(4)] == [True, True, True, False]

    def test_keys_do_not_share(self) -> None:
        """One sender's flood costs another nothing."""
        flood = Flood(per_minute=1)
        assert flood.spend("a", 0.0)
        assert not flood.spend("a", 0.0)
        assert flood.spend("b", 0.0)

    def test_a_clock_that_steps_back(self) -> None:
        """Time that goes back neither fills nor empties a budget."""
        flood = Flood(per_minute=2)
        assert flood.spend("a", 100.0)
        assert flood.spend("a", 0.0)
        assert not flood.spend("a", 0.0)
        assert not flood.spend("a", 100.0)

    def test_the_longest_silent_is_forgotten(self) -> None:
        """However many senders there are, the memory is bounded."""
        flood = Flood(per_minute=1, most_keys=2)
        for key in ("a", "b", "a", "c"):
            flood.spend(key, 0.0)
        assert len(flood) == 2
        assert not flood.spend("a", 0.0)
        assert flood.spend("b", 0.0)

    @given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1e6)), max_size=60), st.integers(1, 9))
    def test_never_more_than_the_budget_at_once(self, spends: list[tuple[int, float]], budget: int) -> None:
        """At any one moment a key spends at most its whole budget, whatever went before."""
        flood = Flood(budget, most_keys=4)
        for key, at in spends:
            flood.spend(key, at)
        assert sum(flood.spend("fresh", 5.0) for _ in range(budget + 5)) == budget
