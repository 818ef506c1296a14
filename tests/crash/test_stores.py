"""The stores of the crash runner: fresh databases, the same questions to each, and damage that is found."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql as postgresql_words
from sqlalchemy.dialects import sqlite as sqlite_words
from sqlalchemy.schema import CreateTable

from schemas.tables import METADATA

from . import checks, work_checks
from .load import Memory
from .postgresql import postgresql
from .stores import Database, SQLite

Tell = Callable[[str], Awaitable[None]]


@pytest.fixture(autouse=True)
def server(request: pytest.FixtureRequest) -> None:
    """Where there is no server, the tests that need one say so."""
    if request.node.get_closest_marker("postgresql"):
        request.getfixturevalue("postgresql")


@asynccontextmanager
async def on_sqlite(folder: Path) -> AsyncIterator[tuple[Database, Tell, str]]:
    async def tell(script: str) -> None:
        with closing(sqlite3.connect(folder / "ledger.db")) as connection:
            connection.executescript(script)

    async with SQLite().fresh(folder) as database:
        yield database, tell, _tables(sqlite_words.dialect())


@asynccontextmanager
async def on_postgresql(folder: Path) -> AsyncIterator[tuple[Database, Tell, str]]:
    with postgresql() as store:
        async with store.fresh(folder) as database:

            async def tell(script: str) -> None:
                connection = await asyncpg.connect(database.url)
                try:
                    await connection.execute(script)
                finally:
                    await connection.close()

            yield database, tell, _tables(postgresql_words.dialect())


def _tables(dialect: object) -> str:
    return ";".join(str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables)


STORES = [on_sqlite, pytest.param(on_postgresql, marks=pytest.mark.postgresql)]


@pytest.mark.parametrize("on", STORES)
def test_every_question_can_be_asked(tmp_path: Path, on: Callable) -> None:
    """
    A fresh database has no tables; with empty ones, every check runs and finds nothing.
    """

    async def flow() -> None:
        async with on(tmp_path) as (database, tell, tables):
            assert await database.tables() == set()
            await tell(tables)
            found, memory = await checks.made_whole_or_not_at_all(database), Memory()
            found += await checks.acknowledged_is_stored(database, memory)
            found += await checks.recorded_once(database, memory)
            found += await checks.nothing_forged(database, memory)
            found += await checks.open_jobs_are_due(database)
            found += await checks.ended_as_in_truth(database, {})
            found += await checks.ends_are_final(database)
            found += await checks.accounts_agree(database, {})
            found += await checks.nothing_waits(database, [])
            found += await checks.cancels_are_told(database)
            found += await checks.fences_rise(database, {})
            found += await checks.undamaged(database)
            found += await work_checks.work_is_done(database)
            found += await work_checks.submissions_are_whole(database, [])
            found += await work_checks.submitted_once(database, {}, {})
            found += await work_checks.outputs_are_whole(database, tmp_path)
            found += await work_checks.nothing_else_is_there(database, tmp_path / "none")
            found += await work_checks.handed_on_under_one_id(database, [])

            assert await database.tables() == set(METADATA.tables)
            assert {name: what for name, what in found.breaches.items() if what} == {}

    asyncio.run(flow())


@pytest.mark.postgresql
def test_postgresql_names_a_constraint_that_does_not_hold(tmp_path: Path) -> None:
    """
    A constraint that nobody has checked is damage.
    """

    async def flow() -> None:
        async with on_postgresql(tmp_path) as (database, tell, _):
            await tell("CREATE TABLE a (b int); ALTER TABLE a ADD CONSTRAINT positive CHECK (b > 0) NOT VALID")

            assert await database.damage() == ["constraint positive does not hold"]

    asyncio.run(flow())
