"""Which store a test runs on, and how an empty database gets its tables."""

import time
from contextvars import ContextVar

from postgresql_server import in_thread

from storage import schema
from storage.store import Store, engine_for

DATABASE: ContextVar[str | None] = ContextVar("DATABASE", default=None)  # a server's, in place of a SQLite file


def migrate(url: str) -> None:
    """Make the tables in an empty database."""

    async def make() -> None:
        store = Store(engine_for(url), lambda: time.time_ns() // 1000)
        try:
            await schema.migrate(store)
        finally:
            await store.close()

    in_thread(make())
