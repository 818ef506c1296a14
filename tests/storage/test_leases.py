"""Leases: one holder at a time, and nothing is written by one who is not it any more."""

import asyncio
from collections import Counter

import pytest
from stored import NOON, Another, Run, a_job, everything, within

from schemas.tables import JobRow, LeaseRow
from schemas.times import SECOND
from storage import jobs, leases
from storage.leases import Lease, LeaseLost
from storage.store import Store

NAME, LENGTH = "source:acme", 15 * SECOND


async def acquire(store: Store, holder: str, now: int = NOON, gone: bool = False) -> Lease | None:
    return await within(store.writing(), leases.acquire, NAME, holder, LENGTH, now, holder_is_gone=gone)


async def taken(store: Store, holder: str, now: int = NOON, gone: bool = False) -> Lease:
    lease = await acquire(store, holder, now, gone)
    assert lease is not None
    return lease


async def is_ours(store: Store, lease: Lease, now: int) -> bool:
    try:
        await within(store.writing(), leases.require, lease, now)
    except LeaseLost:
        return False
    return True


async def change_under(store: Store, lease: Lease, job: JobRow, now: int) -> None:
    """A write as every round does it: the lease is looked at in the same transaction."""
    async with store.writing() as connection:
        await leases.require(connection, lease, now)
        await jobs.change(connection, job.id, {"progress": 99}, now)


def test_one_holder(store: Store, run: Run) -> None:
    """While a lease runs nobody else gets it, and leases of other names are apart."""

    async def flow() -> None:
        mine = await taken(store, "one")

        assert await acquire(store, "two", NOON + LENGTH - 1) is None
        assert await is_ours(store, mine, NOON + LENGTH - 1)
        assert await within(store.reading(), leases.holder_of, NAME, NOON) == "one"
        other = await within(store.writing(), leases.acquire, "source:other", "two", LENGTH, NOON)
        assert other == Lease("source:other", "two", 1)

    run(flow())


def test_taken_by_eight_at_once(store: Store, another: Another, run: Run) -> None:
    """Of many who ask at once, over several connections, one gets it."""

    async def flow() -> None:
        stores = [store, another(), another(), another()]
        answers = await asyncio.gather(*(acquire(stores[turn % 4], f"holder {turn}") for turn in range(8)))
        got = [lease for lease in answers if lease is not None]

        assert len(got) == 1
        assert [row.holder for row in await everything(store, LeaseRow)] == [got[0].holder]

    run(flow())


def test_a_lock_outlasts_the_time(store: Store, run: Run) -> None:
    """Whoever took a lease by its lock keeps it though it was held up for longer; others still need the lock."""

    async def flow() -> None:
        mine = await taken(store, "one", gone=True)
        assert await is_ours(store, mine, NOON + 10 * LENGTH)
        await within(store.writing(), leases.renew, mine, LENGTH, NOON + 10 * LENGTH)
        assert await acquire(store, "two", NOON + 10 * LENGTH) is None
        await taken(store, "two", NOON + 10 * LENGTH, gone=True)
        assert not await is_ours(store, mine, NOON + 10 * LENGTH)

    run(flow())


@pytest.mark.parametrize("passed", [-1, 0, 1])
def test_lapse(store: Store, run: Run, passed: int) -> None:
    """At every moment either the old holder may write or another may take it, and never both or neither."""

    async def flow() -> None:
        mine = await taken(store, "one")
        now = NOON + LENGTH + passed

        assert await is_ours(store, mine, now) is (passed < 0)
        assert (await within(store.reading(), leases.holder_of, NAME, now) is None) is (passed >= 0)
        assert (await acquire(store, "two", now) is None) is (passed < 0)

    run(flow())


def test_take_over(store: Store, run: Run) -> None:
    """Every take-over raises the fence: of a lapsed lease, one given back, one whose holder is gone, and one's own."""

    async def flow() -> None:
        first = await taken(store, "one")
        lapsed = await taken(store, "two", NOON + LENGTH)
        await within(store.writing(), leases.release, lapsed)
        given_back = await taken(store, "three", NOON + LENGTH)
        gone = await taken(store, "four", NOON + LENGTH, gone=True)
        own = await taken(store, "four", NOON + LENGTH)
        everyone = [first, lapsed, given_back, gone, own]

        assert [lease.fence for lease in everyone] == [1, 2, 3, 4, 5]
        assert [await is_ours(store, lease, NOON + LENGTH) for lease in everyone] == [False] * 4 + [True]

    run(flow())


def test_old_holder_writes_nothing(store: Store, run: Run) -> None:
    """A holder that was stopped, and wakes after another took over, writes nothing, even where its lease would run still."""

    async def flow() -> None:
        job = await a_job(store)
        old = await taken(store, "one")
        new = await taken(store, "two", NOON + LENGTH)
        for now in (NOON, NOON + LENGTH, NOON + 2 * LENGTH):
            with pytest.raises(LeaseLost):
                await change_under(store, old, job, now)

        assert await everything(store, JobRow) == [job]
        await change_under(store, new, job, NOON + LENGTH)
        assert [row.progress for row in await everything(store, JobRow)] == [99]

    run(flow())


def test_lost_in_mid_transaction(store: Store, run: Run) -> None:
    """What was written before the lease turned out to be lost is undone with the rest of the transaction."""

    async def flow() -> None:
        job = await a_job(store)
        old = await taken(store, "one")
        await taken(store, "two", NOON, gone=True)

        async def write_and_look() -> None:
            async with store.writing() as connection:
                await jobs.change(connection, job.id, {"progress": 99}, NOON)
                await leases.renew(connection, old, LENGTH, NOON)

        with pytest.raises(LeaseLost):
            await write_and_look()

        assert await everything(store, JobRow) == [job]

    run(flow())


def test_renew(store: Store, run: Run) -> None:
    """A lease that is renewed runs on with the same fence; one that has lapsed or was taken cannot be."""

    async def flow() -> None:
        mine = await taken(store, "one")
        await within(store.writing(), leases.renew, mine, LENGTH, NOON + LENGTH - 1)
        assert await is_ours(store, mine, NOON + LENGTH)
        assert await acquire(store, "two", NOON + LENGTH) is None

        lapsed = NOON + 2 * LENGTH - 1
        with pytest.raises(LeaseLost):
            await within(store.writing(), leases.renew, mine, LENGTH, lapsed)
        theirs = await taken(store, "two", lapsed)
        with pytest.raises(LeaseLost):
            await within(store.writing(), leases.renew, mine, LENGTH, lapsed)
        assert await is_ours(store, theirs, lapsed)

    run(flow())


def test_release(store: Store, run: Run) -> None:
    """A lease that is given back is free at once; whoever has lost it cannot give back what is another's now."""

    async def flow() -> None:
        mine = await taken(store, "one")
        await within(store.writing(), leases.release, mine)
        assert not await is_ours(store, mine, NOON)
        assert await within(store.reading(), leases.holder_of, NAME, NOON) is None

        theirs = await taken(store, "two")
        await within(store.writing(), leases.release, mine)
        assert await is_ours(store, theirs, NOON)

    run(flow())


def test_unknown_lease(store: Store, run: Run) -> None:
    """A lease that nobody ever took is nobody's."""

    async def flow() -> None:
        assert not await is_ours(store, Lease(NAME, "one", 1), NOON)
        assert await within(store.reading(), leases.holder_of, NAME, NOON) is None

    run(flow())


def test_each_write_is_of_the_holder_of_its_time(store: Store, another: Another, run: Run) -> None:
    """Two who take the lease from each other and write under it at once: each fence's writes lie between its take-overs."""

    async def flow() -> None:
        job = await a_job(store)
        written: list[int] = []

        async def fight(mine: Store, holder: str) -> Counter[str]:
            seen: Counter[str] = Counter()
            for _ in range(12):
                lease = await taken(mine, holder, gone=True)
                for _ in range(2):
                    try:
                        async with mine.writing() as connection:
                            await leases.require(connection, lease, NOON)
                            await jobs.change(connection, job.id, {"progress": lease.fence}, NOON)
                            written.append(lease.fence)
                        seen["written"] += 1
                    except LeaseLost:
                        seen["refused"] += 1
            return seen

        one, two = await asyncio.gather(fight(store, "one"), fight(another(), "two"))

        assert written == sorted(written)
        assert one["written"] + two["written"] == len(written)
        assert one["refused"] + two["refused"] + len(written) == 48

    run(flow())
