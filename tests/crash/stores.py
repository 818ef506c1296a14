"""The stores that the runner can be pointed at: each gives fresh databases and answers SQL about them."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

Rows = list[tuple[Any, ...]]


class Missing(Exception):
    """This store cannot be tried here. The message says why."""


class Database(Protocol):
    """One database, seen from outside the processes that use it."""

    url: str

    async def rows(self, statement: str) -> Rows:
        """What a SELECT finds. Nothing is changed by asking, nor by having asked."""

    async def tables(self) -> set[str]:
        """The names of its tables; none where nobody has made any yet."""

    async def damage(self) -> list[str]:
        """What the store itself finds wrong with what it holds. Asked when no process uses it any more."""


class Store(Protocol):
    """Where databases come from."""

    name: str
    takes_many: bool  # several receivers and reconcilers at once

    def fresh(self, folder: Path) -> AbstractAsyncContextManager[Database]:
        """A database that nobody has used. It goes with the folder, or at the end of the block."""


class SQLiteFile:
    """One file, read through connections of our own. It is never opened in any other way: that would drop SQLite's locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    async def rows(self, statement: str) -> Rows:
        # Read-only: a connection that may write would, as the last one after a kill, tidy up what the next start is to
        # find as the kill left it.
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    async def tables(self) -> set[str]:
        if not self.path.exists():
            return set()
        return {name for (name,) in await self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    async def damage(self) -> list[str]:
        try:
            with closing(sqlite3.connect(self.path, timeout=10)) as connection:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
                found += [f"a row of {row[0]} points nowhere" for row in connection.execute("PRAGMA foreign_key_check")]
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return found


class SQLite:
    """A file in the life's folder."""

    name, takes_many = "sqlite", False

    @asynccontextmanager
    async def fresh(self, folder: Path) -> AsyncIterator[Database]:
        yield SQLiteFile(folder / "ledger.db")
