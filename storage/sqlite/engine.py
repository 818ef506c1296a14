"""SQLite as an engine: one file, one process that receives, and locks that die with their process."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, AsyncAdaptedQueuePool, Connection, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.sqlite import file
from storage.sqlite.book import SqliteBook
from storage.sqlite.connection import connect
from storage.sqlite.file_lock import FileLock, beside
from storage.sqlite.turns import Turns
from storage.sqlite.watch import INTERVAL_SECONDS, Watch

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Sqlite:
    """An `Engine` over the file at `path`. `pragmas` are what the ledger's connection is set up with."""

    def __init__(self, path: Path, pragmas: Sequence[str] = file.PRAGMAS) -> None:
        self.path = path
        self._pragmas = pragmas

    @property
    def place(self) -> str:
        return str(self.path.absolute())

    def is_missing(self) -> bool:
        return not self.path.exists() and not self.path.is_symlink()

    def prepare(self) -> None:
        file.claim_file(self.path)

    def writer(self) -> AsyncEngine:
        return _engine(self.path, file.PRAGMAS, "BEGIN IMMEDIATE", connections=1)

    def reader(self) -> AsyncEngine:
        return _engine(self.path, file.READ_PRAGMAS, "BEGIN", connections=4)

    def away(self, error: Exception) -> str | None:
        return str(error.orig) if isinstance(error, OperationalError) else None

    def unusable(self, error: Exception) -> str | None:
        if not isinstance(error, DatabaseError) or getattr(error.orig, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            return None
        return (
            f"{self.path} cannot be read as a SQLite database ({error.orig}); it was left as it is. "
            "Restore it from a backup, or name another file in [database] url"
        )

    def begin_migration(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE has seen to it already."""

    def lease_clock(self, now: int) -> int:
        return now

    def lock(self, name: str) -> FileLock:
        return FileLock(beside(self.path, name))

    def turns(self) -> Turns:
        return Turns()

    async def watch(self, wake: Callable[[], None]) -> None:
        watch = Watch(self.path)
        try:
            while True:
                await asyncio.sleep(INTERVAL_SECONDS)
                with suppress(sqlite3.DatabaseError):  # whoever reads and writes tells of a store that is away
                    if watch.has_changed():
                        wake()
        finally:
            watch.close()

    def book(self) -> SqliteBook:
        return SqliteBook(self.path, self._pragmas)


def _engine(path: Path, pragmas: tuple[str, ...], begin: str, connections: int) -> AsyncEngine:
    whole = path.absolute()  # now: a process may go to another folder later
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(whole)),
        poolclass=AsyncAdaptedQueuePool,
        async_creator=lambda: connect(whole, file.BUSY_SECONDS),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=60,
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

    return engine
