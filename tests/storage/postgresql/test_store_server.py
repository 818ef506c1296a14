"""The store on PostgreSQL: who reads cannot write, one lease has one holder, and what cannot be reached is named."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy.exc import DBAPIError
from stored import NOON, Another, Clock, Run, a_job, still_waiting, within

from schemas.times import SECOND
from storage import jobs, leases, schema
from storage.engine import StoreAway
from storage.leases import Lease
from storage.postgresql.connecting import WRITING
from storage.postgresql.engine import Postgresql
from storage.store import Store

pytestmark = pytest.mark.postgresql
NAME, LENGTH = "source:acme", 15 * SECOND


@pytest.mark.parametrize("statement", ["DELETE FROM jobs", "CREATE TABLE t (x int)", "DROP TABLE jobs"])
def test_reading_cannot_write(store: Store, run: Run, statement: str) -> None:
    """What tries to write while it reads is refused."""

    async def flow() -> None:
        job = await a_job(store)
        with pytest.raises((DBAPIError, StoreAway), match="read-only"):
            async with store.reading() as connection:
                await connection.exec_driver_sql(statement)
        assert await within(store.reading(), jobs.get, job.id) == job

    run(flow())


def test_one_view(store: Store, another: Another, run: Run) -> None:
    """Whoever reads sees one state of the store from the first look on, whatever others commit meanwhile."""

    async def flow() -> None:
        job = await a_job(store)
        other = another()
        async with store.reading() as connection:
            before = await jobs.get(connection, job.id)
            await within(other.writing(), jobs.change, job.id, {"progress": 7}, NOON)
            assert await jobs.get(connection, job.id) == before

    run(flow())


def test_leases_go_by_the_servers_clock(store: Store, run: Run) -> None:
    """Whatever a process believes the time to be, a lease lasts as long as the server says."""

    async def flow() -> None:
        clock = store.engine.lease_clock(NOON + 365 * 86_400 * SECOND)
        mine = await within(store.writing(), leases.acquire, NAME, "one", LENGTH, clock)
        assert mine == Lease(NAME, "one", 1)
        assert await within(store.writing(), leases.acquire, NAME, "two", LENGTH, clock) is None
        await within(store.writing(), leases.require, mine, clock)
        short = await within(store.writing(), leases.acquire, "source:other", "one", 1, clock)
        assert short is not None
        taken = await within(store.writing(), leases.acquire, "source:other", "two", LENGTH, clock)
        assert taken == Lease("source:other", "two", 2)
        with pytest.raises(leases.LeaseLost):
            await within(store.writing(), leases.require, short, clock)

    run(flow())


def test_nobody_takes_over_in_the_middle(store: Store, another: Another, run: Run) -> None:
    """While a transaction under a lease is open the lease cannot be taken, though it has lapsed; afterwards it can."""

    async def flow() -> None:
        other = another()
        mine = await within(store.writing(), leases.acquire, NAME, "one", LENGTH, NOON)
        assert mine is not None
        async with store.writing() as connection:
            await leases.require(connection, mine, NOON)
            taking = asyncio.create_task(
                within(other.writing(), leases.acquire, NAME, "two", LENGTH, NOON + LENGTH + 1)
            )
            assert await still_waiting(taking, 0.5)
        assert await taking == Lease(NAME, "two", 2)

    run(flow())


def test_a_stopped_holder_loses_its_transaction(store: Store, url: str, run: Run) -> None:
    """A process that stops in the middle of a transaction cannot keep the lease by it: the server ends that."""
    stopped = Store(Postgresql(url, {**WRITING, "idle_in_transaction_session_timeout": "300ms"}), Clock())

    async def flow() -> None:
        job = await a_job(store)
        mine = await within(store.writing(), leases.acquire, NAME, "one", LENGTH, NOON)
        assert mine is not None
        with pytest.raises(StoreAway):
            async with stopped.writing() as connection:
                await leases.require(connection, mine, NOON)
                assert await within(store.writing(), leases.acquire, NAME, "two", LENGTH, NOON + LENGTH + 1)
                await jobs.change(connection, job.id, {"progress": 99}, NOON)
        assert (await within(store.reading(), jobs.get, job.id)).progress is None
        await stopped.close()

    run(flow())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"path": "/nobody_made_this"}, "does not exist"),
        ({"netloc": "127.0.0.1:1", "query": ""}, "onnect"),
    ],
)
def test_what_cannot_be_reached_is_named(url: str, run: Run, changed: dict[str, str], said: str) -> None:
    """A database that is not there, and a server that is not, are told in the server's or the system's own words."""

    async def flow() -> None:
        store = Store(Postgresql(urlunsplit(urlsplit(url)._replace(**changed))), Clock())
        with pytest.raises(StoreAway, match=said):
            await schema.require_current(store)
        await store.close()

    run(flow())


def test_a_right_that_is_missing_is_named(blank: Callable[[], str], run: Run) -> None:
    """A user who may not make tables is told so, and what to do."""

    async def flow() -> None:
        url = blank()
        store = Store(Postgresql(url), Clock())
        async with store.writing() as connection:
            await connection.exec_driver_sql("DROP ROLE IF EXISTS bk_nobody")
            await connection.exec_driver_sql("CREATE ROLE bk_nobody LOGIN")
            await connection.exec_driver_sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await store.close()
        poor = Store(Postgresql(url.replace("postgres:@", "bk_nobody:@").replace("postgres@", "bk_nobody@")), Clock())
        with pytest.raises(schema.WrongSchema, match="give its user the right"):
            await schema.migrate(poor)
        await poor.close()
        owner = Store(Postgresql(url), Clock())
        async with owner.writing() as connection:
            await connection.exec_driver_sql("DROP ROLE bk_nobody")
        await owner.close()

    run(flow())
