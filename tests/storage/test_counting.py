"""Counting: what happens is added up as it happens, and the sums say what there is now."""

from stored import NOON, Run, a_job, within

from schemas.times import HOUR, MINUTE, SECOND
from storage import counting, failures
from storage.counting import Tally
from storage.failures import Named
from storage.store import Store


def test_three_spans(store: Store, run: Run) -> None:
    """What is counted is found per minute, per hour and since ever; nothing of a source is another's."""

    async def flow() -> None:
        async with store.writing() as connection:
            await counting.count(connection, "acme", {"accepted": 2, "duplicate": 1, "unreadable": 0}, NOON)
            await counting.count(connection, "acme", {"accepted": 3}, NOON + MINUTE)
            await counting.count(connection, "other", {"accepted": 1}, NOON + HOUR)
            await counting.count(connection, "other", {}, NOON)
        async with store.reading() as connection:
            minutes = await counting.by_minute(connection, NOON, NOON + 2 * MINUTE)
            hours = await counting.by_hour(connection, NOON, NOON + HOUR)
            ever = await counting.totals(connection)

        minute, hour = NOON - NOON % MINUTE, NOON - NOON % HOUR
        assert minutes == [
            Tally(minute, "acme", "accepted", 2),
            Tally(minute, "acme", "duplicate", 1),
            Tally(minute + MINUTE, "acme", "accepted", 3),
        ]
        assert [(one.at - hour, one.source, one.what, one.count) for one in hours] == [
            (0, "acme", "accepted", 5),
            (0, "acme", "duplicate", 1),
            (HOUR, "other", "accepted", 1),
        ]
        assert ever == {("acme", "accepted"): 5, ("acme", "duplicate"): 1, ("other", "accepted"): 1}

    run(flow())


def test_when_it_was_last(store: Store, run: Run) -> None:
    """A total tells the last minute in which it was counted, whoever counts late."""

    async def flow() -> None:
        for at in (NOON, NOON + 5 * MINUTE, NOON + MINUTE):
            await within(store.writing(), counting.count, "acme", {"accepted": 1}, at)

        (found,) = await within(store.reading(), counting.ever)

        assert found == Tally(NOON - NOON % MINUTE + 5 * MINUTE, "acme", "accepted", 3)

    run(flow())


def test_births_and_failures(store: Store, run: Run) -> None:
    """A job counts when it is born and not when it is met again; a failure each time that it begins to hold, and is cleared."""
    gone = Named("delivery", "missing", "batch.completed", "it never came", {})

    async def flow() -> None:
        job = await a_job(store)
        await a_job(store)
        for step, named in enumerate([[gone], [gone], [], [gone]]):
            await within(store.writing(), failures.sync, job, named, store.new_id, NOON + step * SECOND)
        ever = await within(store.reading(), counting.totals)

        assert ever == {
            ("acme", "born.submit"): 1,
            ("acme", "began.delivery.missing"): 2,
            ("acme", "cleared.delivery.missing"): 1,
        }

    run(flow())
