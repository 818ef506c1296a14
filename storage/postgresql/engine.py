"""PostgreSQL as an engine: any number of processes, on any number of machines."""

from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
from asyncpg.exceptions import InsufficientPrivilegeError, InvalidSchemaNameError
from sqlalchemy import ColumnElement, Connection, literal_column, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from schemas.config.addresses import without_password
from storage.postgresql import connecting
from storage.postgresql.book import PostgresqlBook
from storage.postgresql.watch import watch

CONNECTIONS = 4
POOL_SECONDS = 30

_MIGRATION_LOCK = 0x6261_7463_686B  # "batchk"
_CLOCK: ColumnElement[int] = literal_column("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


class Postgresql:
    """An `Engine` over the database that `url` names. `writing` are the server's settings for connections that write."""

    def __init__(self, url: str, writing: Mapping[str, str] = connecting.WRITING) -> None:
        self._url = url
        self._writing = writing

    @property
    def place(self) -> str:
        return without_password(self._url)

    def is_missing(self) -> bool:
        return False  # only the server knows, and says so when it is asked

    def prepare(self) -> None:
        """A database is made by whoever runs the server."""

    def writer(self) -> AsyncEngine:
        return self._engine("READ COMMITTED", self._writing)

    def reader(self) -> AsyncEngine:
        return self._engine("REPEATABLE READ", connecting.READING)

    def _engine(self, isolation: Any, settings: Mapping[str, str]) -> AsyncEngine:
        async def connect() -> asyncpg.Connection:
            return await connecting.connect(self._url, **settings)

        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            isolation_level=isolation,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,  # the server may have been restarted meanwhile
        )

    def away(self, error: Exception) -> str | None:
        if isinstance(error, DBAPIError):
            cause = error.orig.__cause__ if error.orig is not None else None
            told = str(cause or error.orig)
            return told if error.connection_invalidated or connecting.is_away(cause) else None
        if isinstance(error, PoolExhausted):
            return "too many statements wait for a connection"
        return (str(error) or type(error).__name__) if connecting.is_away(error) else None

    def unusable(self, error: Exception) -> str | None:
        cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else None
        if not isinstance(cause, InsufficientPrivilegeError | InvalidSchemaNameError):
            return None
        return (
            f"{self.place} cannot be used ({cause}); give its user the right to make and change tables there, "
            "or name another database in [database] url"
        )

    def begin_migration(self, connection: Connection) -> None:
        """Wait for whoever migrates already. The lock goes with the transaction."""
        for setting in ("lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {setting} = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))

    def lease_clock(self, now: int) -> Any:
        return _CLOCK  # the server's: the clocks of many machines differ

    def lock(self, name: str) -> None:
        return None

    def turns(self) -> None:
        return None

    async def watch(self, wake: Callable[[], None]) -> None:
        await watch(self._url, wake)

    def book(self) -> PostgresqlBook:
        return PostgresqlBook(self._url, self._writing)
