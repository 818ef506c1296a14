"""The schema: tables and migrations agree, and a database of another version is refused with advice, never half changed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, table, text
from stored import NOON, Clock, Run, within

import schemas
import storage
from schemas.tables import METADATA
from storage import schema, sources
from storage.schema import SchemaState, WrongSchema
from storage.store import Store, engine_for

NEWER = "the tables of {} were made by a newer version: run that version, or name another database in [database] url"
BEHIND = "the tables of {} are not there yet or of an older version: run `batchkeeper migrate`"

MIGRATE = """
import asyncio, sys
from storage import schema
from storage.store import Store, engine_for

async def migrate(url):
    store = Store(engine_for(url), lambda: 1_790_000_000_000_000)
    try:
        before = await schema.state(store)
        print(before.value, await schema.migrate(store), (await schema.state(store)).value, flush=True)
    finally:
        await store.close()

print("ready", flush=True)
for line in sys.stdin:
    try:
        asyncio.run(migrate(line.strip()))
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0], flush=True)
"""

NEXT_STEP = """
from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = "9000", "{head}", None, None

def upgrade():
    op.create_table("later", sa.Column("x", sa.Integer()))
    op.add_column("sources", sa.Column("colour", sa.Text()))
    op.execute("UPDATE sources SET dialect = 'changed'")
    op.execute("INSERT INTO later VALUES (1)")
    op.drop_table("labels")
    {end}
"""


@pytest.fixture
def empty(blank: Callable[[], str], run: Run) -> Iterator[Store]:
    """A store that has no tables yet."""
    store = Store(engine_for(blank()), Clock())
    yield store
    run(store.close())


class Program:
    """A copy of the program with one step more than this one, in processes of its own."""

    def __init__(self, folder: Path, end: str | None = None) -> None:
        self.folder = folder
        for package in (schemas, storage):
            here = Path(str(package.__file__)).parent
            shutil.copytree(here, folder / here.name, ignore=shutil.ignore_patterns("__pycache__"))
        steps = folder / "storage" / "migrations" / "versions"
        if end is not None:
            head = ScriptDirectory(str(steps.parent)).get_current_head()
            (steps / "9000_later.py").write_text(NEXT_STEP.format(head=head, end=end))

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", MIGRATE],
            env=os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def migrate(self, url: str, **environment: str) -> tuple[int, str]:
        with self.start(**environment) as process:
            answer, _ = process.communicate(f"{url}\n")
        return process.returncode, answer.removeprefix("ready\n").strip()


async def dump(url: str) -> dict[str, Any]:
    """Every table, with its columns and rows."""

    def read(connection: Connection) -> dict[str, Any]:
        found = inspect(connection)
        return {
            name: (
                [column["name"] for column in found.get_columns(name)],
                sorted(map(repr, connection.execute(select(text("*")).select_from(table(name))))),
            )
            for name in found.get_table_names()
        }

    store = Store(engine_for(url), Clock())
    try:
        async with store.reading() as connection:
            return await connection.run_sync(read)
    finally:
        await store.close()


# --- tables and migrations --------------------------------------------------------------------------------------------


def test_nothing_left_to_migrate(store: Store, run: Run) -> None:
    """Alembic, asked for the step that is missing between the migrations and the tables, finds none."""

    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)

    async def flow() -> None:
        async with store.reading() as connection:
            assert await connection.run_sync(differences) == []

    run(flow())


# --- versions ---------------------------------------------------------------------------------------------------------


def test_empty(empty: Store, run: Run) -> None:
    """A file without tables is refused with the advice to migrate; that is done once, and then all is current."""

    async def flow() -> None:
        assert await schema.state(empty) is SchemaState.BEHIND
        with pytest.raises(WrongSchema) as raised:
            await schema.require_current(empty)
        assert str(raised.value) == BEHIND.format(empty.place)

        assert await schema.migrate(empty)
        assert await schema.state(empty) is SchemaState.CURRENT
        await schema.require_current(empty)
        await within(empty.writing(), sources.enter, "acme", "phaseo", NOON)
        assert not await schema.migrate(empty)

    run(flow())


def test_newer(store: Store, url: str, run: Run) -> None:
    """A database that a newer version has been at is refused, by reader and migrator alike, and stays as it is."""

    async def flow() -> None:
        async with store.writing() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        before = await dump(url)

        assert await schema.state(store) is SchemaState.NEWER
        for refused in (schema.require_current, schema.migrate):
            with pytest.raises(WrongSchema) as raised:
                await refused(store)
            assert str(raised.value) == NEWER.format(store.place)
        assert await dump(url) == before

    run(flow())


@pytest.mark.processes
def test_the_next_version(store: Store, url: str, tmp_path: Path, run: Run) -> None:
    """The next version finds this one's database behind and brings it up with its rows; this one then refuses it."""
    run(within(store.writing(), sources.enter, "acme", "phaseo", NOON))
    following = Program(tmp_path / "next", end="pass")

    assert following.migrate(url) == (0, "behind True current")
    assert following.migrate(url) == (0, "current False current")
    assert run(schema.state(store)) is SchemaState.NEWER
    row = run(within(store.reading(), sources.get, "acme"))
    assert (row.dialect, row.listening_since) == ("changed", NOON)


# --- half way ---------------------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_step_that_fails(store: Store, url: str, tmp_path: Path, run: Run) -> None:
    """A step that fails at its end leaves nothing of itself: no table, no column, no row, no dropped one, no version."""
    run(within(store.writing(), sources.enter, "acme", "phaseo", NOON))
    before = run(dump(url))
    broken = Program(tmp_path / "next", end='raise RuntimeError("half way")')

    assert broken.migrate(url) == (0, "RuntimeError half way")
    assert run(dump(url)) == before
    assert run(schema.state(store)) is SchemaState.CURRENT


@pytest.mark.processes
def test_a_first_step_that_fails(tmp_path: Path, blank: Callable[[], str], run: Run) -> None:
    """All steps are one: when the last one fails on a new database, the first ones are undone with it."""
    broken = Program(tmp_path / "next", end='raise RuntimeError("half way")')
    url = blank()

    assert broken.migrate(url) == (0, "RuntimeError half way")
    assert run(dump(url)) == {}


@pytest.mark.processes
@pytest.mark.parametrize("point", ["M1", "M2"])
def test_killed_at_a_migration(tmp_path: Path, blank: Callable[[], str], run: Run, point: str) -> None:
    """A process that is killed before its migration is committed leaves nothing, and the next one does it all."""
    program = Program(tmp_path / "same")
    url = blank()

    assert program.migrate(url, BATCHKEEPER_CRASH_AT=point) == (-signal.SIGKILL, "")
    assert run(dump(url)) == {}
    assert program.migrate(url) == (0, "behind True current")


@pytest.mark.processes
def test_two_processes_at_once(tmp_path: Path, blank: Callable[[], str]) -> None:
    """Of processes that migrate a new database at once, one does it, and the others wait and see that it is done."""
    program = Program(tmp_path / "same")
    processes = [program.start() for _ in range(3)]
    answers: list[list[str]] = []
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for _ in range(12):
            url = blank()
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(f"{url}\n")
                process.stdin.flush()
            answers.append([process.stdout.readline().strip() for process in processes if process.stdout])
    finally:
        for process in processes:
            process.communicate()

    for answer in answers:
        assert sorted(words.partition(" ")[2] for words in answer) == ["False current"] * 2 + ["True current"]


@pytest.mark.processes
def test_wherever_it_is_installed(tmp_path: Path) -> None:
    """A percent sign in the path of the program is no trouble."""
    program = Program(tmp_path / "100%s (%(here)s)")

    assert program.migrate(f"sqlite:///{tmp_path}/new.db") == (0, "behind True current")


def test_the_store_serves_while_it_is_asked(store: Store, run: Run) -> None:
    """The state can be asked while somebody writes; only a migration waits its turn."""

    async def flow() -> None:
        async with store.writing():
            states = await asyncio.gather(*(schema.state(store) for _ in range(4)))
        assert set(states) == {SchemaState.CURRENT}

    run(flow())


def test_in_one_transaction(empty: Store, run: Run) -> None:
    """Nobody sees a schema that is half there: the tables appear with the version."""

    async def flow() -> None:
        def names(connection: Connection) -> list[str]:
            return inspect(connection).get_table_names()

        async with empty.reading() as connection:
            assert await connection.run_sync(names) == []
            assert await schema.migrate(empty)
            assert await connection.run_sync(names) == []
        async with empty.reading() as connection:
            assert {"jobs", "alembic_version"} <= set(await connection.run_sync(names))

    run(flow())


def test_somebody_elses_tables_are_refused(empty: Store, run: Run) -> None:
    """A database that holds tables, and none of ours, is not migrated into."""

    async def flow() -> None:
        async with empty.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
        with pytest.raises(WrongSchema, match="tables that are not ours"):
            await schema.migrate(empty)

    run(flow())
