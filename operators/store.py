"""The store as operators open it: it has to be there, unless it may be made, and to have the tables of this version."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from operators.clock import now
from operators.errors import NoDatabase
from schemas.config import Config
from storage import schema
from storage.store import Store, engine_for


@asynccontextmanager
async def opened(config: Config, migrate: bool = False) -> AsyncIterator[Store]:
    """The store of a service that has run here, or runs; with `migrate`, of one that begins.

    Raises:
        NoDatabase, UnsafeDatabaseFile, WrongSchema: with the way out.
    """
    engine = engine_for(config.database.url)
    if not migrate and engine.is_missing():
        raise NoDatabase(
            f"there is no database at {engine.place} yet; `batchkeeper up` makes it, and so does `batchkeeper migrate`"
        )
    store = Store(engine, now)
    try:
        if migrate:
            await schema.migrate(store)
        await schema.require_current(store)
        yield store
    finally:
        await store.close()
