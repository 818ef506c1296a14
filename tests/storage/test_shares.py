"""Shares: a bounded room in which one holder's flood costs the others nothing that leaves it more than them."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from storage.shares import Shares


def fill(shares: Shares, *holders: str, size: int = 1) -> tuple[list[int], list[int]]:
    """What is kept, and what went, after each of these holders brought one, in this order."""
    gone: list[int] = []
    for number, holder in enumerate(holders):
        gone += shares.add(holder, number, size)
    return [number for number in range(len(holders)) if number not in gone], gone


def test_as_long_as_there_is_room_all_stay() -> None:
    """One holder may have the whole room, while nobody else wants any of it."""
    assert fill(Shares(5, 100), *"aaaaa") == ([0, 1, 2, 3, 4], [])


def test_alone_the_oldest_goes() -> None:
    """Whoever is alone and has too much loses what is oldest."""
    assert fill(Shares(3, 100), *"aaaaa") == ([2, 3, 4], [0, 1])


def test_whoever_has_the_most_makes_place() -> None:
    """A flood from one holder takes nothing of another's, before or after it."""
    kept, _ = fill(Shares(4, 100), "genuine", *["flood"] * 50, "genuine", *["flood"] * 50)

    assert {0, 51} <= set(kept)
    assert len(kept) == 4


def test_bytes_count_as_well() -> None:
    """Large ones are given up by whoever has the most bytes, however few they are."""
    shares = Shares(100, 100)
    assert shares.add("large", 1, 90) == []
    assert shares.add("small", 2, 5) == []
    assert shares.add("small", 3, 6) == [1]


def test_larger_than_the_room() -> None:
    """What would not fit an empty room does not stay."""
    assert Shares(5, 10).add("a", 1, 11) == [1]


def test_what_is_there_already() -> None:
    """Too much of what is kept already goes with the next that comes."""
    shares = Shares(2, 100)
    for number in range(4):
        shares.take("a", number, 1)

    assert shares.add("b", 9, 1) == [0, 1, 2]
    assert len(shares) == 2


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 30)), max_size=60), st.integers(1, 8))
def test_shares_are_even(arrivals: list[tuple[str, int]], most: int) -> None:
    """Within its bounds at every moment; and nobody lost one for the sake of whoever had more already."""
    shares, held = Shares(most, 60), defaultdict[str, list[int]](list)
    sizes = {number: size for number, (_, size) in enumerate(arrivals)}
    for number, (holder, size) in enumerate(arrivals):
        held[holder].append(number)
        for gone in shares.add(holder, number, size):
            loser = next(one for one, numbers in held.items() if gone in numbers)
            counts = Counter({one: len(numbers) for one, numbers in held.items()})
            weights = Counter({one: sum(sizes[each] for each in numbers) for one, numbers in held.items()})
            assert counts[loser] == max(counts.values()) or weights[loser] == max(weights.values())
            assert gone == held[loser].pop(0)
        kept = [each for numbers in held.values() for each in numbers]

        assert len(kept) == len(shares) <= most
        assert sum(sizes[each] for each in kept) <= 60
