"""One process that writes all the time leaves others a turn at SQLite's lock."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.sqlite.engine import Sqlite
from storage.store import Store

LONG = 0.2  # seconds; so long may a transaction take where the processor is somebody else's
PATIENCE = 4


def test_who_waits_for_the_lock_gets_it(database: Path) -> None:
    """
    While one store writes one long transaction after the other, another connection gets to write within its patience.
    """

    def write_once() -> None:
        with closing(sqlite3.connect(database, timeout=PATIENCE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")

    async def flow() -> None:
        store = Store(Sqlite(database), lambda: 0)
        waiting: set[asyncio.Future[None]] = set()
        try:
            while not any(one.done() for one in waiting):
                async with store.writing():
                    waiting = waiting or {asyncio.ensure_future(asyncio.to_thread(write_once))}
                    await asyncio.sleep(LONG)
            await waiting.pop()
        finally:
            await store.close()

    for _ in range(2):  # by good luck it may work once
        asyncio.run(flow())


def test_short_transactions_do_not_wait(database: Path) -> None:
    """
    A hundred that take no time come one after the other.
    """

    async def flow() -> float:
        store = Store(Sqlite(database), lambda: 0)
        loop = asyncio.get_running_loop()
        try:
            began = loop.time()
            for _ in range(100):
                async with store.writing():
                    pass
            return loop.time() - began
        finally:
            await store.close()

    assert asyncio.run(flow()) < 100 * 0.05
