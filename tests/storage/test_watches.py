"""Watches: a job is watched for as long as somebody renews it, and no longer."""

import pytest
from sqlalchemy.exc import IntegrityError
from stored import NOON, Another, Clock, Run, a_job, everything, within

from schemas.tables import JobRow, WatchRow
from schemas.times import MINUTE, SECOND
from storage import watches
from storage.store import Store

LENGTH = 15 * SECOND


async def begin(store: Store, job: JobRow, now: int = NOON) -> int:
    number = store.new_id()
    await within(store.writing(), watches.begin, number, job, LENGTH, now)
    return number


async def watched(store: Store, now: int = NOON, limit: int = 10, source: str = "acme") -> list[str]:
    return [job.job_id for job in await within(store.reading(), watches.watched, source, limit, now)]


def test_from_its_beginning_to_its_end(store: Store, run: Run) -> None:
    """A job is watched from the beginning of its watch to its end; another's watch of it, and other jobs' stay."""

    async def flow() -> None:
        one, two = await a_job(store, "b1"), await a_job(store, "b2")
        await a_job(store, "b3")
        assert await watched(store) == []
        first, second, third = await begin(store, one), await begin(store, one), await begin(store, two)
        assert await watched(store) == ["b1", "b2"]
        await within(store.writing(), watches.end, first)
        assert await watched(store) == ["b1", "b2"]
        await within(store.writing(), watches.end, second)
        assert await watched(store) == ["b2"]
        await within(store.writing(), watches.end, third)
        assert (await watched(store), await everything(store, WatchRow)) == ([], [])

    run(flow())


def test_it_lapses_unless_it_is_renewed(store: Store, run: Run) -> None:
    """To the microsecond; a renewal counts from its own time, and one that is gone cannot be renewed."""

    async def flow() -> None:
        job = await a_job(store)
        number = await begin(store, job)
        assert await watched(store, NOON + LENGTH - 1) == ["batch_1"]
        assert await watched(store, NOON + LENGTH) == []
        assert await within(store.writing(), watches.renew, number, LENGTH, NOON + LENGTH)
        assert await watched(store, NOON + 2 * LENGTH - 1) == ["batch_1"]
        assert await watched(store, NOON + 2 * LENGTH) == []
        await within(store.writing(), watches.end, number)
        assert not await within(store.writing(), watches.renew, number, LENGTH, NOON)
        assert await watched(store) == []

    run(flow())


def test_which_jobs(store: Store, run: Run) -> None:
    """Open jobs of the source alone, the oldest first, and no more than wished; one that many watch counts once."""

    async def flow() -> None:
        for number, status in enumerate(["unknown", "pending", "running", "paused", "completed", "failed", "expired"]):
            await begin(store, await a_job(store, f"b{number}", status=status))
        for _ in range(5):
            await begin(store, await a_job(store, "b0"))
        await begin(store, await a_job(store, "theirs", source="other"))

        assert await watched(store) == ["b0", "b1", "b2", "b3"]
        assert await watched(store, limit=2) == ["b0", "b1"]
        assert await watched(store, source="other") == ["theirs"]

    run(flow())


def test_by_the_clock_that_all_share(store: Store, another: Another, clock: Clock, run: Run) -> None:
    """Where many machines share the store, its own clock counts: neither who watches nor who follows has to be right."""

    async def flow() -> None:
        job, elsewhere = await a_job(store), another()
        clocks = (store.engine.lease_clock(clock()), elsewhere.engine.lease_clock(clock()))
        await within(store.writing(), watches.begin, store.new_id(), job, MINUTE, clocks[0])
        assert len(await within(elsewhere.reading(), watches.watched, "acme", 10, clocks[1])) == 1

    run(flow())


def test_a_job_that_is_there(store: Store, run: Run) -> None:
    """Nobody watches a job that is not there."""

    async def flow() -> None:
        with pytest.raises(IntegrityError):
            await begin(store, JobRow(id=5, source="acme", kind="batch", job_id="b", origin="track"))

        assert await everything(store, WatchRow) == []

    run(flow())
