"""A connection to the SQLite file for SQLAlchemy: aiosqlite's, but a statement is one errand for its thread.

With aiosqlite's own cursor it is four: to make it, to execute, to fetch and to close. Each wakes two threads, and a page that
asks fifteen things waits longer for that than for SQLite. A statement whose task was cancelled still runs to its end here, and
leaves nothing open.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import aiosqlite


async def connect(path: Path, busy_seconds: float) -> "Connection":
    """Connect to a file that is there, named whole: one that has gone is not made anew, empty, behind everybody's back."""

    def connected() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_seconds)

    connection = Connection(connected, iter_chunk_size=64)
    connection._thread.daemon = True  # else a process that leaves a connection open would not end
    await connection
    return connection


class Connection(aiosqlite.Connection):
    def cursor(self) -> "Cursor":  # type: ignore[override]
        return Cursor(self)

    async def errand(self, run: Callable[[sqlite3.Connection], None]) -> None:
        """Let the thread do something with the connection, and wait for it."""
        await self._execute(run, self._conn)  # type: ignore[no-untyped-call]


class Cursor:
    """Of PEP 249's cursor what SQLAlchemy's adapter asks for. It has its rows, and all that it tells, when `execute` is over."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        await self._connection.errand(lambda connection: self._keep(connection.execute(sql, parameters)))

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self._connection.errand(lambda connection: self._keep(connection.executemany(sql, parameters)))

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    async def close(self) -> None:
        """There is nothing left to close."""

    def _keep(self, cursor: sqlite3.Cursor) -> None:
        try:
            self.description = cursor.description
            self._rows = [] if cursor.description is None else cursor.fetchall()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()
