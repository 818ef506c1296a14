"""The past: what was counted in spans that are over is read once, and told again without a look at the store."""

from typing import Any

from sqlalchemy import event
from stored import NOON, Run, within

from schemas.times import HOUR, MINUTE, SECOND
from storage import counting
from storage.past import LATE, Past
from storage.store import Store

DAY = NOON - NOON % (24 * HOUR)


async def counted(store: Store, at: int, source: str = "acme", **words: int) -> None:
    await within(store.writing(), counting.count, source, words, at)


def test_spread_over_time(store: Store, run: Run) -> None:
    """Sums of all sources together in spans that begin where they do at any hour of the day; and by source in whole hours."""

    async def flow() -> None:
        for hours, source in ((0, "acme"), (5, "other"), (6, "acme"), (6, "other")):
            await counted(store, DAY + hours * HOUR, source, accepted=2)
        await counted(store, DAY + HOUR + 30 * SECOND, duplicate=1)
        for _ in range(2):  # once from the store, once from what is kept
            async with store.reading() as connection:
                quarters = await store.past.spread(connection, DAY, DAY + 12 * HOUR, 6 * HOUR)
                minutes = await store.past.spread(connection, DAY + HOUR, DAY + 2 * HOUR, MINUTE)
                sums = await store.past.lately_by_hour(connection, DAY + 5 * HOUR, DAY + 12 * HOUR)
                latest = await store.past.lately(connection, DAY + HOUR, DAY + 2 * HOUR)

            assert [(one.at - DAY, one.source, one.what, one.count) for one in quarters] == [
                (0, "", "accepted", 4),
                (0, "", "duplicate", 1),
                (6 * HOUR, "", "accepted", 4),
            ]
            assert [(one.at - DAY, one.what, one.count) for one in minutes] == [(HOUR, "duplicate", 1)]
            assert sums == {("acme", "accepted"): 2, ("other", "accepted"): 4}
            assert latest == {("acme", "duplicate"): 1}

    run(flow())


def test_what_is_not_over_is_read_anew(store: Store, run: Run) -> None:
    """What is counted now shows at once, and so does what is counted a little late."""

    async def flow() -> None:
        for at in (NOON, NOON - LATE, NOON):
            await counted(store, at, accepted=1)
            async with store.reading() as connection:
                now = await store.past.lately(connection, NOON - HOUR, NOON)
            async with store.reading() as connection:
                fresh = await Past().lately(connection, NOON - HOUR, NOON)
            assert now == fresh
        assert now == {("acme", "accepted"): 3}

    run(flow())


def test_what_is_over_is_read_once(store: Store, run: Run) -> None:
    """The second look at an hour asks for its last minutes alone."""
    asked: list[int] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "tallies" in statement:
            asked.append(values[0])

    async def flow() -> None:
        async with store.reading() as connection:
            event.listen(connection.sync_connection, "before_cursor_execute", note)
            for _ in range(2):
                await store.past.lately(connection, NOON - HOUR, NOON)

    run(flow())
    assert asked == [(NOON - HOUR) // MINUTE, (NOON - LATE) // MINUTE]


def test_a_look_further_back(store: Store, run: Run) -> None:
    """After a short look a longer one finds all of it; what lies further back than is kept is found, too."""

    async def flow() -> None:
        for hours in (1, 30, 24 * 10):
            await counted(store, NOON - hours * HOUR, accepted=1)
        for hours, all_of_it in ((2, 1), (48, 2), (24 * 20, 3), (48, 2), (24 * 20, 3)):
            async with store.reading() as connection:
                sums = await store.past.lately_by_hour(connection, NOON - hours * HOUR, NOON)
            assert sums == {("acme", "accepted"): all_of_it}

    run(flow())


def test_only_what_is_looked_back_at(store: Store, run: Run) -> None:
    """What nobody looks back at is not read."""

    async def flow() -> None:
        words = {"accepted": 1, "refused.too_large": 2, "moved.running.failed": 3, "began.execution.failed": 4}
        await within(store.writing(), counting.count, "acme", {**words, "asked.poll.ok": 5, "lag.count": 6}, NOON)
        async with store.reading() as connection:
            found = await store.past.lately(connection, NOON, NOON)

        assert found == {("acme", word): count for word, count in words.items()}

    run(flow())
