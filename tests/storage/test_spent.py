"""What is good once: used once, whoever comes first, and forgotten when it would have lapsed."""

import pytest
from stored import NOON, Run

from storage import spent
from storage.store import Store

MINUTE = 60_000_000


async def use(store: Store, key: str, now: int) -> bool:
    async with store.writing() as connection:
        return await spent.spend(connection, key, now + MINUTE, now)


async def is_used(store: Store, key: str) -> bool:
    async with store.reading() as connection:
        return await spent.is_spent(connection, key)


@pytest.fixture
def seen(store: Store, run: Run) -> list[bool]:
    async def uses() -> list[bool]:
        before = await is_used(store, "a")
        first, again, other = [await use(store, key, NOON) for key in ("a", "a", "b")]
        return [before, first, again, other, await is_used(store, "a")]

    found: list[bool] = run(uses())
    return found


def test_a_key_is_good_once(seen: list[bool]) -> None:
    """The first use counts, each later one is told so; another key is another matter."""
    assert seen == [False, True, False, True, True]


def test_what_has_lapsed_is_forgotten(store: Store, run: Run) -> None:
    """A row goes with the next use of any key, once its own time is over."""

    async def later() -> tuple[bool, bool]:
        await use(store, "a", NOON)
        await use(store, "b", NOON + 2 * MINUTE)
        return await is_used(store, "a"), await is_used(store, "b")

    assert run(later()) == (False, True)
