"""The store of one process: one connection that writes, a few that only read, and the ids of what it writes."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from schemas.ids import IdMaker
from storage import sqlite
from storage.turns import Turns


class Store:
    """Opened with `Store(path, now)`, closed with `await store.close()`."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        sqlite.claim_file(path)
        self.path = path
        self.new_id = IdMaker(now)
        self._writer = _engine(path, sqlite.PRAGMAS, "BEGIN IMMEDIATE", connections=1)
        self._turns = Turns()
        self._reader = _engine(path, sqlite.READ_PRAGMAS, "BEGIN", connections=4)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write, committed at the end. Never hold it over a wait for the network."""
        async with self._writer.connect() as connection:
            await self._turns.mine()
            since = time.monotonic()
            try:
                async with connection.begin():
                    since = time.monotonic()  # what went before was waiting
                    yield connection
            finally:
                self._turns.over(since)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view. Whatever tries to write through it fails."""
        async with self._reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()


def _engine(path: Path, pragmas: tuple[str, ...], begin: str, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        # mode=rw: a file that has gone is not made anew, empty, behind everybody's back.
        URL.create("sqlite+aiosqlite", database=path.absolute().as_uri(), query={"mode": "rw", "uri": "true"}),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"timeout": sqlite.BUSY_SECONDS},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver would otherwise begin late and by itself, leave DDL outside, and fail at once instead of waiting.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine.sync_engine, "invalidate")
    def let_go(connection: Any, _record: Any, _error: Any) -> None:
        # A cancelled task leaves a statement half read, and with one of those SQLite keeps the locks of a connection
        # that was closed: nobody else could write until the garbage is collected.
        connection.rollback()

    return engine
