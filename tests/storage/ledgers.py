"""A ledger over a file of its own, and what the tests of it need."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from schemas.ids import IdMaker
from schemas.readings import Identity, Report, Verified
from schemas.words import RefusalReason
from storage import schema, sqlite
from storage.ledger import Accepted, Kept, Ledger, Refusal
from storage.store import Store

IMPATIENT = (*sqlite.PRAGMAS, "PRAGMA busy_timeout=200")
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
    """A database file, and what stands in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commits = 0

    @asynccontextmanager
    async def ledger(self, new_id: Callable[[], int] | None = None, **options: Any) -> AsyncIterator[Ledger]:
        def count() -> None:
            self.commits += 1

        ledger = Ledger(self.path, new_id or IdMaker(now), on_commit=count, **options)
        await ledger.start()
        try:
            yield ledger
        finally:
            await ledger.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def tallies(self) -> dict[tuple[str, str], int]:
        return {(source, what): count for source, what, count in self.rows("SELECT source, what, count FROM tallies")}


def migrated(folder: Path) -> Fixed:
    """A file with the tables of this version."""

    async def make() -> None:
        store = Store(folder / "ledger.db", now)
        await schema.migrate(store)
        await store.close()

    asyncio.run(make())
    return Fixed(folder / "ledger.db")


def run(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    asyncio.run(bounded())


async def all_of(ledger: Ledger, *requests: Accepted) -> list[Kept | BaseException]:
    """Queue them in one go, so that they fall into one group, or two at most."""
    return await asyncio.gather(*[ledger.append(request) for request in requests], return_exceptions=True)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Somebody else writes, and takes their time."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def change(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


def refusal(reason: RefusalReason = RefusalReason.SIGNATURE_WRONG, at: int = NOON, source: str = "phaseo") -> Refusal:
    return Refusal(source, reason, 401, at, "192.0.2.1", 12)
