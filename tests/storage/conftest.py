"""A store for each test. The tests that only use `store`, `another` and `run` hold for every engine."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from stored import Another, Clock, Run

from storage import schema
from storage.store import Store


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a coroutine; all of one test run on one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"

    async def make() -> None:
        store = Store(path, Clock())
        try:
            await schema.migrate(store)
        finally:
            await store.close()

    asyncio.run(make())
    return path


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Path:
    """Where the store of this test lies."""
    path = tmp_path / "store.db"
    shutil.copyfile(migrated, path)
    path.chmod(0o600)
    return path


@pytest.fixture
def another(database: Path, clock: Clock, run: Run) -> Iterator[Another]:
    """Opens one more store on the same database, as another process would."""
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(Store(database, clock))
        return opened[-1]

    yield open_one
    for store in opened:
        run(store.close())


@pytest.fixture
def store(another: Another) -> Store:
    return another()


Plan = Callable[..., list[str]]


@pytest.fixture
def plan(store: Store, run: Run) -> Plan:
    """How SQLite would answer each statement of a query function: its steps, one text for each statement."""

    async def explain(query: Callable[..., Coroutine[Any, Any, Any]], arguments: tuple[Any, ...]) -> list[str]:
        statements: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
            statements.append((statement, values))

        async with store.writing() as connection:
            event.listen(connection.sync_connection, "before_cursor_execute", note)
            await query(connection, *arguments)
            event.remove(connection.sync_connection, "before_cursor_execute", note)
            plans = [await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", at) for text, at in statements]
            return ["\n".join(row.detail for row in steps) for steps in plans]

    return lambda query, *arguments: run(explain(query, arguments))
