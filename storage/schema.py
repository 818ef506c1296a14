"""Bringing the tables to the form that this version needs, and saying so when they are not."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from storage.engine import StoreUnusable
from storage.points import reach
from storage.store import Store


class SchemaState(Enum):
    """How the database's schema compares with what this version of the program needs."""

    CURRENT = "current"
    BEHIND = "behind"  # an older version wrote it, or nobody yet
    NEWER = "newer"  # a newer version wrote it


class WrongSchema(Exception):
    """The database cannot be used by this version as it is. The message says what to do."""


async def state(store: Store) -> SchemaState:
    with _told():
        async with store.reading() as connection:
            return await connection.run_sync(_state, store.place)


async def migrate(store: Store) -> bool:
    """Bring the schema up to date in one transaction; False when it was already.

    Raises:
        WrongSchema: a newer version of the program has been here.
    """
    reach("M1")
    with _told():
        async with store.writing() as connection:
            migrated = await connection.run_sync(_migrate, store)
            reach("M2")
    return migrated


async def require_current(store: Store) -> None:
    """Raise WrongSchema unless the schema is just what this version needs."""
    found = await state(store)
    if found is SchemaState.BEHIND:
        raise WrongSchema(
            f"the tables of {store.place} are not there yet or of an older version: run `batchkeeper migrate`"
        )
    if found is SchemaState.NEWER:
        raise _newer(store.place)


def _migrate(connection: Connection, store: Store) -> bool:
    store.engine.begin_migration(connection)
    found = _state(connection, store.place)
    if found is SchemaState.NEWER:
        raise _newer(store.place)
    if found is SchemaState.CURRENT:
        return False
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def _state(connection: Connection, place: str) -> SchemaState:
    """
    Raises:
        WrongSchema: the tables are somebody else's.
    """
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return SchemaState.CURRENT
    if current is None and inspect(connection).get_table_names():
        raise WrongSchema(f"{place} holds tables that are not ours: name another database in [database] url")
    known = {revision.revision for revision in scripts.walk_revisions()}
    return SchemaState.BEHIND if current is None or current in known else SchemaState.NEWER


@contextmanager
def _told() -> Iterator[None]:
    """A database that cannot be used at all is left untouched, and said to be so in words that help."""
    try:
        yield
    except StoreUnusable as error:
        raise WrongSchema(str(error)) from None


def _newer(place: str) -> WrongSchema:
    return WrongSchema(
        f"the tables of {place} were made by a newer version: run that version, or name another database in [database] url"
    )


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
