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


def test_a_look_back(store: Store, run: Run) -> None:
    """All sources together in spans that begin where they do at any time of the day; by source, the last hour and day."""
    noon = DAY + 36 * HOUR

    async def flow() -> None:
        for hours, source in ((12, "acme"), (17, "other"), (18, "acme"), (18, "other")):
            await counted(store, DAY + hours * HOUR, source, accepted=2)
        await counted(store, noon - 30 * SECOND, duplicate=1)
        await counted(store, noon - 8 * 24 * HOUR, accepted=7)
        for _ in range(2):  # once from the store, once from what is kept
            async with store.reading() as connection:
                look = await store.past.look(connection, noon)

            quarters = look.spread(24 * HOUR, 6 * HOUR)
            assert [((at - DAY) // HOUR, counts) for at, counts in quarters] == [
                (12, {"accepted": 4}),
                (18, {"accepted": 4}),
                (24, {}),
                (30, {"duplicate": 1}),
                (36, {}),
            ]
            minutes = look.spread(HOUR, MINUTE)
            assert len(minutes) == 61
            assert [(at, counts) for at, counts in minutes if counts] == [(noon - MINUTE, {"duplicate": 1})]
            assert look.last_hour == {("acme", "duplicate"): 1}
            assert look.last_day == {("acme", "accepted"): 4, ("other", "accepted"): 4, ("acme", "duplicate"): 1}

    run(flow())


def test_spans_that_are_over_are_added_up_as_they_grow(store: Store, run: Run) -> None:
    """A look a minute later, or an hour later, has what came meanwhile and not what is too long ago by then."""

    async def flow() -> None:
        await counted(store, NOON - HOUR, accepted=1)
        for minutes in range(0, 125, 5):
            now = NOON + minutes * MINUTE
            await counted(store, now, accepted=10)
            async with store.reading() as connection:
                look = await store.past.look(connection, now)
                fresh = await Past().look(connection, now)
            assert look.last_hour == fresh.last_hour
            assert look.last_day == fresh.last_day
            assert look.spread(HOUR, MINUTE) == fresh.spread(HOUR, MINUTE)
            assert look.spread(24 * HOUR, HOUR) == fresh.spread(24 * HOUR, HOUR)
        assert look.last_hour == {("acme", "accepted"): 130}

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
        for minutes in (1, 30, 200):
            await counted(store, NOON - minutes * MINUTE, accepted=1)
        for minutes, all_of_it in ((2, 1), (48, 2), (300, 3), (48, 2), (300, 3)):
            async with store.reading() as connection:
                sums = await store.past.lately(connection, NOON - minutes * MINUTE, NOON)
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
