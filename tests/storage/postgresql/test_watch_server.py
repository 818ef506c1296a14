"""Wake-ups on PostgreSQL: whoever writes something to do is heard by every process that listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ledgers import Fixed, accepted
from postgresql_server import Server
from stored import NOON, Clock, Run, a_job, within
from stores import migrate

from schemas.tables import ActionRow
from schemas.words import Origin
from storage import actions, jobs, leases, watches
from storage.engine import StoreAway
from storage.postgresql.engine import Postgresql
from storage.store import Store

pytestmark = pytest.mark.postgresql


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def hears(self) -> bool:
        """Whether something is heard soon; heard once, it is forgotten."""
        try:
            await asyncio.wait_for(self.heard.wait(), 20)
        except TimeoutError:
            return False
        self.heard.clear()
        return True


@asynccontextmanager
async def listening(store: Store) -> AsyncIterator[Ear]:
    ear = Ear()
    task = asyncio.create_task(store.engine.watch(ear.heard.set))
    assert await ear.hears(), "it wakes once when it begins: something may have come before"
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def an_action(store: Store, job: int) -> ActionRow:
    return ActionRow(
        id=store.new_id(), job=job, source="acme", verb="poll", asked_by="operator", asked_at=NOON, due_at=NOON
    )


def test_whatever_there_is_to_do_is_heard(store: Store, file: Fixed, run: Run) -> None:
    """A new job, an action, a group of deliveries, a lease given back, and who begins or ends to watch are heard, when they
    are committed; that somebody goes on to watch is not."""

    async def flow() -> None:
        job = await a_job(store)
        lease = await within(store.writing(), leases.acquire, "source:acme", "one", 1_000_000, NOON)
        assert lease is not None
        async with listening(store) as ear:
            await within(store.writing(), jobs.bear, store.new_id(), ("acme", "batch", "batch_2"), Origin.SUBMIT, NOON)
            assert await ear.hears()
            await within(store.writing(), actions.ask, an_action(store, job.id))
            assert await ear.hears()
            async with file.ledger() as ledger:
                await ledger.append(accepted())
                assert await ear.hears()
            await within(store.writing(), leases.release, lease)
            assert await ear.hears()
            watch = store.new_id()
            await within(store.writing(), watches.begin, watch, job, 1_000_000, NOON)
            assert await ear.hears()
            await within(store.writing(), watches.renew, watch, 1_000_000, NOON)
            assert not ear.heard.is_set()
            await within(store.writing(), watches.end, watch)
            assert await ear.hears()

    run(flow())


def test_what_is_undone_is_not_heard(store: Store, run: Run) -> None:
    """What was rolled back wakes nobody; the next commit does."""

    async def undone(job: int) -> None:
        async with store.writing() as connection:
            await actions.ask(connection, an_action(store, job))
            raise LookupError

    async def flow() -> None:
        job = await a_job(store)
        async with listening(store) as ear:
            with pytest.raises(LookupError):
                await undone(job.id)
            await within(store.reading(), jobs.get, job.id)
            assert not ear.heard.is_set()
            await within(store.writing(), actions.ask, an_action(store, job.id))
            assert await ear.hears()

    run(flow())


def test_it_listens_again_after_a_restart(own_postgresql: Server, run: Run) -> None:
    """A connection that is lost is made anew, and that wakes too: something may have been missed."""
    with own_postgresql.database() as url:
        migrate(url)
        store = Store(Postgresql(url), Clock())

        async def flow() -> None:
            job = await a_job(store)
            async with listening(store) as ear:
                own_postgresql.restart("immediate")
                assert await ear.hears()
                await within(store.writing(), actions.ask, an_action(store, job.id))
                assert await ear.hears()
            await store.close()

        run(flow())


def test_a_server_that_is_away_is_waited_for(own_postgresql: Server, run: Run) -> None:
    """While the server is down every transaction says so in the store's own words; afterwards all goes on by itself."""
    with own_postgresql.database() as url:
        migrate(url)
        store = Store(Postgresql(url), Clock())

        async def flow() -> None:
            job = await a_job(store)
            own_postgresql.stop("fast")
            for transaction in (store.reading, store.writing):
                with pytest.raises(StoreAway):
                    await within(transaction(), jobs.get, job.id)
            own_postgresql.start_again()
            assert await within(store.reading(), jobs.get, job.id) is not None
            await store.close()

        run(flow())
