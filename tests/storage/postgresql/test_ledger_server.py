"""The ledger on PostgreSQL: many receivers at once, and a server that goes away and comes back."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from ledgers import NOON, WHOLE, Fixed, accepted, run
from postgresql_server import Server
from stores import migrate

from schemas.times import DAY
from storage import retention
from storage.engine import StoreAway
from storage.ledger import Kept, NotStored
from storage.postgresql.connecting import WRITING
from storage.postgresql.engine import Postgresql
from storage.store import Store

pytestmark = pytest.mark.postgresql


@contextmanager
def migrated(server: Server) -> Iterator[Fixed]:
    with server.database() as url:
        migrate(url)
        yield Fixed(url)


def test_many_receivers(file: Fixed, postgresql: Server) -> None:
    """Receivers that take the same deliveries in different orders record each once, and never wait for each other in a ring."""
    requests = [accepted(f"batch_{number}") for number in range(150)]

    async def receive(seed: int) -> list[Kept]:
        mixed = random.Random(seed).sample(requests, len(requests))
        async with file.ledger() as ledger:
            return await asyncio.gather(*(ledger.append(request) for request in mixed * 3))

    async def story() -> None:
        answers = await asyncio.gather(*(receive(seed) for seed in range(4)))
        kept = [answer for every in answers for answer in every]
        assert [answer.duplicate for answer in kept].count(False) == 150
        assert len({answer.receipt for answer in kept}) == 150 * 12

    run(story())
    assert file.rows("SELECT count(*), min(times_received), max(times_received) FROM deliveries") == [(150, 12, 12)]
    assert file.rows("SELECT count(*) FROM bodies") == [(150,)]
    assert file.tallies() == {("phaseo", "accepted"): 1800, ("phaseo", "duplicate"): 1650}
    assert file.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_a_deadlock_is_tried_again(file: Fixed) -> None:
    """When somebody else locks in another order, the server ends one of the two; if it is ours, the group goes in again."""

    async def story() -> None:
        async with file.ledger() as ledger:
            await asyncio.gather(*(ledger.append(accepted(job)) for job in ("batch_1", "batch_2")))
            other = await asyncpg.connect(file.url, server_settings={"deadlock_timeout": "10s"})
            await other.execute("BEGIN; UPDATE deliveries SET verdict = 'x' WHERE job_id = 'batch_2'")
            waiting = asyncio.gather(*(ledger.append(accepted(job)) for job in ("batch_1", "batch_2")))
            await blocked(other)
            await other.execute("UPDATE deliveries SET verdict = 'x' WHERE job_id = 'batch_1'")
            await other.execute("COMMIT")
            assert [kept.duplicate for kept in await waiting] == [True, True]
            await other.close()

    run(story())
    assert file.rows("SELECT times_received, verdict FROM deliveries") == [(2, "x")] * 2


async def blocked(connection: asyncpg.Connection) -> None:
    """Wait until somebody waits for this connection."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    async with asyncio.timeout(30):
        while not await connection.fetchval(waits):  # noqa: ASYNC110  (the server tells nobody)
            await asyncio.sleep(0.01)


def test_bytes_in_use_are_not_pruned(file: Fixed) -> None:
    """A retry that shares old bytes while those are being pruned keeps them, or brings them again."""

    async def prune(store: Store) -> None:
        for _ in range(20):
            async with store.writing() as connection:
                await retention.bodies(connection, NOON + 10 * DAY, 500)

    async def story() -> None:
        engine = Postgresql(file.url)
        store = Store(engine, lambda: NOON)
        async with file.ledger(new_id=store.new_id) as ledger:
            for turn in range(6):
                await ledger.append(accepted(at=NOON))
                file.change("UPDATE receipts SET verdict = 'agrees'")
                young = [ledger.append(accepted(at=NOON + 20 * DAY)) for _ in range(3)]
                await asyncio.gather(prune(store), *young)
                lost = "SELECT count(*) FROM receipts LEFT JOIN bodies ON bodies.id = body_id WHERE bodies.id IS NULL"
                assert file.rows(f"{lost} AND verdict IS NULL") == [(0,)], turn
        await store.close()

    run(story())


def test_a_restart_between_groups_is_not_noticed(own_postgresql: Server) -> None:
    """A connection that has died while nothing was to be written is made anew, and nobody is refused for it."""
    with migrated(own_postgresql) as file:

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.append(accepted("batch_1"))
                own_postgresql.restart("immediate")
                assert not (await ledger.append(accepted("batch_2"))).duplicate

        run(story())


def test_a_server_that_is_away_refuses_and_recovers(own_postgresql: Server) -> None:
    """While the server is down nothing is acknowledged; once it is up the same ledger goes on."""
    with migrated(own_postgresql) as file:

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.append(accepted("batch_1"))
                own_postgresql.stop("fast")
                with pytest.raises(NotStored):
                    await ledger.append(accepted("batch_2"))
                own_postgresql.start_again()
                assert not (await ledger.append(accepted("batch_2"))).duplicate

        run(story())
        assert len(file.rows(WHOLE)) == 2


def test_a_stopped_receiver_does_not_hold_up_the_others(file: Fixed) -> None:
    """A process that stops in the middle of a group loses its transaction, and with it the locks that others wait for."""
    engine = Postgresql(file.url, {**WRITING, "idle_in_transaction_session_timeout": "300ms"})

    async def story() -> None:
        store = Store(engine, lambda: NOON)
        async with file.ledger() as ledger:
            await ledger.append(accepted())
            with pytest.raises(StoreAway):
                async with store.writing() as connection:
                    await connection.exec_driver_sql("UPDATE deliveries SET verdict = 'x'")
                    assert (await ledger.append(accepted())).duplicate
                    await connection.exec_driver_sql("UPDATE deliveries SET verdict = 'y'")
        await store.close()

    run(story())
    assert file.rows("SELECT verdict, times_received FROM deliveries") == [(None, 2)]
