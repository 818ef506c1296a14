"""PostgreSQL: a server of our own in a short temporary folder, or one that the environment names."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from postgresql_server import NoServer, start

from .stores import Database, Missing, Rows

_INVALID = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
_BROKEN = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready)"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class PostgreSQLDatabase:
    """One database of a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def rows(self, statement: str) -> Rows:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def tables(self) -> set[str]:
        return {name for (name,) in await self.rows(_TABLES)}

    async def damage(self) -> list[str]:
        invalid = [f"constraint {name} does not hold" for (name,) in await self.rows(_INVALID)]
        broken = [f"index {name} is not valid" for (name,) in await self.rows(_BROKEN)]
        return invalid + broken + [f"index of {name}" for name in await self._bad_indexes()]

    async def _bad_indexes(self) -> list[str]:
        """Indexes that do not agree with their tables, where the server has `amcheck`."""
        connection = await asyncpg.connect(self.url)
        try:
            if not await connection.fetch("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"):
                return []
            await connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
            found = await connection.fetch(
                "SELECT c.oid::int8 AS number, c.relname AS name FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
                "WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace"
            )
            return [row["name"] for row in found if not await self._agrees(connection, row["number"])]
        finally:
            await connection.close()

    async def _agrees(self, connection: asyncpg.Connection, index: int) -> bool:
        try:
            await connection.execute(f"SELECT bt_index_check({index}::oid::regclass, true)")
        except asyncpg.PostgresError:
            return False
        return True


class PostgreSQL:
    """A server where databases may be created."""

    name, takes_many = "postgresql", True

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def fresh(self, _folder: Path) -> AsyncIterator[Database]:
        name = f"crash_{secrets.token_hex(6)}"
        await self._tell(f"CREATE DATABASE {name}")
        try:
            yield PostgreSQLDatabase(self._named(name))
        finally:
            await self._tell(f"DROP DATABASE {name} WITH (FORCE)")

    async def _tell(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _named(self, name: str) -> str:
        # By hand: urlunsplit would drop an empty host, which is how a URL names a socket.
        parts = urlsplit(self._url)
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}/{name}{query}"


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """The server that the environment names, else one of our own until the end of the block.

    Raises:
        Missing: there is neither.
    """
    with ExitStack() as stack:
        try:
            server = stack.enter_context(start())
        except NoServer as error:
            raise Missing(str(error)) from None
        yield PostgreSQL(server.url)
