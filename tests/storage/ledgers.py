"""A ledger over a database of its own, and what the tests of it need."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from postgresql_server import in_thread

from schemas.ids import IdMaker
from schemas.readings import Identity, Report, Verified
from schemas.words import RefusalReason
from storage.engine import Engine
from storage.ledger import Accepted, Kept, Ledger, Refusal
from storage.postgresql.connecting import WRITING
from storage.postgresql.engine import Postgresql
from storage.sqlite.engine import Sqlite
from storage.sqlite.file import PRAGMAS
from storage.store import SQLITE

IMPATIENT = (*PRAGMAS, "PRAGMA busy_timeout=200")
WHOLE = (
    "SELECT receipts.id FROM receipts JOIN bodies ON bodies.id = body_id"
    " JOIN deliveries ON deliveries.id = delivery_id ORDER BY 1"
)

NOON = 1_790_000_000_000_000


def now() -> int:
    return time.time_ns() // 1_000


def accepted(
    job: str = "batch_1",
    key: str = "batch.completed",
    body: bytes = b"{}",
    source: str = "phaseo",
    at: int = NOON,
    **report: Any,
) -> Accepted:
    verified = Verified(Identity("batch", job, key), Report(**report), secret_index=0, signed_at=at)
    return Accepted(source, verified, body, at)


def unreadable(body: bytes) -> Accepted:
    return Accepted("phaseo", Verified(None, Report(), 0, NOON, unreadable="not UTF-8"), body, NOON)


def poison() -> Accepted:
    """No store takes a lone surrogate."""
    return accepted("poison", event_type="\ud800")


class Fixed:
    """A database with tables, and what stands in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.commits = 0

    @property
    def path(self) -> Path:
        return Path(self.url.removeprefix(SQLITE))

    @property
    def is_file(self) -> bool:
        return self.url.startswith(SQLITE)

    def engine(self, impatient: bool = False) -> Engine:
        if self.is_file:
            return Sqlite(self.path, IMPATIENT if impatient else PRAGMAS)
        return Postgresql(self.url, {**WRITING, "lock_timeout": "200ms"} if impatient else WRITING)

    @asynccontextmanager
    async def ledger(
        self, new_id: Callable[[], int] | None = None, engine: Engine | None = None, **options: Any
    ) -> AsyncIterator[Ledger]:
        def count() -> None:
            self.commits += 1

        ledger = Ledger(engine or self.engine(), new_id or IdMaker(now), on_commit=count, **options)
        await ledger.start()
        try:
            yield ledger
        finally:
            await ledger.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.is_file:
            return in_thread(fetched(self.url, sql))
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def change(self, sql: str) -> None:
        self.rows(sql)

    def tallies(self) -> dict[tuple[str, str], int]:
        return {(source, what): count for source, what, count in self.rows("SELECT source, what, count FROM tallies")}

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Somebody else writes, and takes their time."""
        if not self.is_file:
            connection = await asyncpg.connect(self.url)
            await connection.execute("BEGIN; LOCK TABLE deliveries, tallies IN ACCESS EXCLUSIVE MODE")
            try:
                yield
            finally:
                await connection.close()
            return
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()


async def fetched(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def run(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    asyncio.run(bounded())


async def all_of(ledger: Ledger, *requests: Accepted) -> list[Kept | BaseException]:
    """Queue them in one go, so that they fall into one group, or two at most."""
    return await asyncio.gather(*[ledger.append(request) for request in requests], return_exceptions=True)


def refusal(reason: RefusalReason = RefusalReason.SIGNATURE_WRONG, at: int = NOON, source: str = "phaseo") -> Refusal:
    return Refusal(source, reason, 401, at, "192.0.2.1", 12)
