"""The store of one process: connections that write, others that only read, and the ids of what it writes."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import IdMaker
from storage.engine import Engine, StoreAway, StoreUnusable
from storage.past import Past
from storage.sqlite.engine import Sqlite

SQLITE = "sqlite:///"


def engine_for(url: str) -> Engine:
    """The engine that a [database] url names, as the configuration has checked it."""
    if url.startswith(SQLITE):
        return Sqlite(Path(url.removeprefix(SQLITE)))
    # Loaded here, so that whoever has a SQLite file needs no driver for anything else.
    from storage.postgresql.engine import Postgresql  # noqa: PLC0415

    return Postgresql(url)


class Store:
    """Opened with `Store(engine, now)`, closed with `await store.close()`."""

    def __init__(self, engine: Engine, now: Callable[[], int]) -> None:
        engine.prepare()
        self.engine = engine
        self.new_id = IdMaker(now)
        self.past = Past()
        self._writer = engine.writer()
        self._reader = engine.reader()
        self._turns = engine.turns()

    @property
    def place(self) -> str:
        """How messages name it."""
        return self.engine.place

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write, committed at the end. Never hold it over a wait for the network.

        Raises:
            StoreAway: nothing was written, for no fault of what was to be written; StoreUnusable, one of its kind, says
                that waiting will not help.
        """
        with self._told():
            async with self._writer.connect() as connection, self._in_turn(connection):
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view. Whatever tries to write through it fails.

        Raises:
            StoreAway: it cannot be read at present.
        """
        with self._told():
            async with self._reader.connect() as connection:
                yield connection

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def _in_turn(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """A transaction, after those who have waited for long."""
        if self._turns is None:
            async with connection.begin():
                yield
            return
        await self._turns.mine()
        since = time.monotonic()
        try:
            async with connection.begin():
                since = time.monotonic()  # what went before was waiting
                yield
        finally:
            self._turns.over(since)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            reason = self.engine.unusable(error)
            if reason is not None:
                raise StoreUnusable(reason) from error
            reason = self.engine.away(error)
            if reason is None:
                raise
            raise StoreAway(reason) from error
