"""The store as operators open it: it has to be there, unless it may be made, and to have the tables of this version."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from operators.clock import now
from operators.errors import NoDatabase
from schemas.config import Config
from storage import schema
from storage.store import Store


@asynccontextmanager
async def opened(config: Config, migrate: bool = False) -> AsyncIterator[Store]:
    """The store of a service that has run here, or runs; with `migrate`, of one that begins.

    Raises:
        NoDatabase, UnsafeDatabaseFile, WrongSchema: with the way out.
    """
    path = config.database.path
    if not migrate and not path.exists() and not path.is_symlink():
        raise NoDatabase(
            f"there is no database at {path.absolute()} yet; `batchkeeper up` makes it, and so does `batchkeeper migrate`"
        )
    store = Store(path, now)
    try:
        if migrate:
            await schema.migrate(store)
        await schema.require_current(store)
        yield store
    finally:
        await store.close()
