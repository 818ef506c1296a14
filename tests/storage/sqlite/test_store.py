"""The store of one process on SQLite: what it asks of the file, who waits for whom, and what is left of a broken write."""

import asyncio
import gc
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from stored import NOON, Another, Clock, Run, a_job, everything, still_waiting, within

from schemas.tables import JobRow
from schemas.words import Origin
from storage import jobs, sources
from storage.engine import StoreAway, StoreUnusable
from storage.sqlite.engine import Sqlite
from storage.sqlite.file import BUSY_SECONDS, UnsafeDatabaseFile
from storage.store import Store

COUNT_SOURCES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM sources").fetchone()[0])
connection.close()
"""


@pytest.fixture
def outsider(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is none of ours, and waits for nobody."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=0)) as connection:
        yield connection


async def pragmas(connection: Any) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "query_only")
    return {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names}


def write_one(store: Store, name: str) -> Any:
    return within(store.writing(), sources.enter, name, "phaseo", NOON)


# --- every connection -------------------------------------------------------------------------------------------------


def test_pragmas(store: Store, run: Run) -> None:
    """Every connection, the one that writes and each that reads, has WAL, full syncs, patience and foreign keys."""

    async def flow() -> None:
        alike = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "foreign_keys": 1}
        async with (
            store.writing() as writer,
            store.reading() as one,
            store.reading() as two,
            store.reading() as three,
            store.reading() as four,
        ):
            assert await pragmas(writer) == alike | {"query_only": 0}
            for reader in (one, two, three, four):
                assert await pragmas(reader) == alike | {"query_only": 1}

    run(flow())


@pytest.mark.parametrize("statement", ["DELETE FROM jobs", "CREATE TABLE t (x)", "DROP TABLE jobs"])
def test_reading_cannot_write(store: Store, run: Run, statement: str) -> None:
    """What tries to write while it reads is refused, and the connection reads on."""

    async def flow() -> None:
        job = await a_job(store)
        async with store.reading() as connection:
            with pytest.raises(OperationalError, match="readonly"):
                await connection.exec_driver_sql(statement)
            assert await jobs.get(connection, job.id) == job

    run(flow())


def test_one_view(store: Store, another: Another, run: Run) -> None:
    """Whoever reads sees one state of the store from the first look on, whatever others commit meanwhile."""

    async def flow() -> None:
        await write_one(store, "before")
        async with store.reading() as connection:
            before = await sources.all_of_them(connection)
            await write_one(another(), "meanwhile")
            assert await sources.all_of_them(connection) == before

        assert len(await within(store.reading(), sources.all_of_them)) == 2

    run(flow())


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_second_writer_waits(store: Store, run: Run, outsider: sqlite3.Connection) -> None:
    """While somebody else writes, a writer waits instead of failing at once, and goes on when the other is done."""

    async def flow() -> None:
        outsider.execute("BEGIN IMMEDIATE")
        writer = asyncio.create_task(write_one(store, "acme"))
        assert await still_waiting(writer, 0.4)
        outsider.execute("COMMIT")
        await writer

        assert len(await within(store.reading(), sources.all_of_them)) == 1

    run(flow())


def test_a_writer_that_waits_in_vain(store: Store, run: Run, outsider: sqlite3.Connection) -> None:
    """After five seconds it gives up with an error, readers were never held up, and the next writer gets through."""

    async def flow() -> None:
        outsider.execute("BEGIN IMMEDIATE")
        writer = asyncio.create_task(write_one(store, "acme"))
        assert await still_waiting(writer, BUSY_SECONDS - 1)
        assert await within(store.reading(), sources.all_of_them) == []
        with pytest.raises(StoreAway, match="locked"):
            await writer
        outsider.execute("ROLLBACK")
        await write_one(store, "acme")

    run(flow())


def test_reading_before_writing_never_fails(store: Store, another: Another, run: Run) -> None:
    """Two who read a value and write it back, over and over, fail never and lose no update: the lock comes before the look."""

    async def flow() -> None:
        job = await a_job(store, asks=0)

        async def count(mine: Store) -> None:
            for _ in range(20):
                async with mine.writing() as connection:
                    found = await jobs.get(connection, job.id)
                    assert found is not None
                    await jobs.change(connection, job.id, {"asks": found.asks + 1}, NOON)

        await asyncio.gather(count(store), count(another()))

        assert [row.asks for row in await everything(store, JobRow)] == [40]

    run(flow())


def test_an_error_undoes_all(store: Store, run: Run) -> None:
    """Of a transaction that ends with an error nothing is left, tables and rows alike."""

    async def flow() -> None:
        async def fail() -> None:
            async with store.writing() as connection:
                await sources.enter(connection, "acme", "phaseo", NOON)
                await connection.exec_driver_sql("CREATE TABLE half_way (x)")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()

        assert await within(store.reading(), sources.all_of_them) == []
        async with store.reading() as connection:
            found = await connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'half_way'")
            assert found.all() == []

    run(flow())


def test_a_cancelled_writer_lets_go(store: Store, run: Run, outsider: sqlite3.Connection) -> None:
    """A task that is cancelled in the middle of a statement holds nobody up: the lock is free when it has ended."""

    async def flow() -> None:
        loop, at_work, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def linger() -> int:
            loop.call_soon_threadsafe(at_work.set)
            return go_on.wait(5)

        async def write() -> None:
            async with store.writing() as connection:
                await sources.enter(connection, "acme", "phaseo", NOON)
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await driver.create_function("linger", 0, linger)
                await connection.exec_driver_sql("SELECT linger() UNION ALL SELECT 2 UNION ALL SELECT 3")

        writer = asyncio.create_task(write())
        await at_work.wait()
        writer.cancel()
        go_on.set()
        (ended,) = await asyncio.gather(writer, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
        outsider.execute("BEGIN IMMEDIATE")
        outsider.execute("ROLLBACK")
        assert await within(store.reading(), sources.all_of_them) == []

    gc.disable()  # what the garbage collector would free in the end is not free yet
    try:
        run(flow())
    finally:
        gc.enable()


def test_cancelled_anywhere(store: Store, run: Run) -> None:
    """Wherever a writer is cancelled, all of its transaction is there or nothing, and the store works on."""
    chance = random.Random(5)

    async def flow() -> None:
        async def write(turn: int) -> None:
            async with store.writing() as connection:
                for number in range(3):
                    identity = ("acme", "batch", f"{turn}-{number}")
                    await jobs.bear(connection, store.new_id(), identity, Origin.TRACK, NOON)

        for turn in range(40):
            writer = asyncio.create_task(write(turn))
            await still_waiting(writer, chance.random() * 0.02)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        await write(99)
        there = [row.job_id.partition("-")[0] for row in await everything(store, JobRow)]

        assert {turn: there.count(turn) for turn in there} == dict.fromkeys(there, 3)
        assert "99" in there

    run(flow())


# --- the file ---------------------------------------------------------------------------------------------------------


def test_for_our_eyes_only(tmp_path: Path, run: Run) -> None:
    """A new file, and what SQLite puts beside it, can be read and written by its owner alone, whatever the umask."""

    async def make(store: Store) -> None:
        async with store.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE t (x)")

    before = os.umask(0)
    try:
        store = Store(Sqlite(tmp_path / "new.db"), Clock())
        run(make(store))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        run(store.close())
    finally:
        os.umask(before)

    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


@pytest.mark.parametrize("name", ["what?.db", "100%20 a#b.db", ":memory:", "file:x.db", "ünder&mode=memory", "a'b\"c"])
def test_odd_names(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The file that is written is the one that was named, whatever its name would mean in an address."""
    monkeypatch.chdir(tmp_path)

    async def flow() -> None:
        store = Store(Sqlite(Path(name)), Clock())
        monkeypatch.chdir("/")
        async with store.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE t (x)")
        await store.close()

    run(flow())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(b"SQLite format 3")


def refused(path: Path) -> str:
    with pytest.raises(UnsafeDatabaseFile) as raised:
        Store(Sqlite(path), Clock())
    return str(raised.value)


def test_symbolic_links_are_refused(tmp_path: Path, database: Path) -> None:
    """A symbolic link is refused, whether or not something is behind it, and nothing is made where it points."""
    link, dangling = tmp_path / "link.db", tmp_path / "dangling.db"
    link.symlink_to(database)
    dangling.symlink_to(tmp_path / "nowhere.db")

    for path in (link, dangling):
        assert refused(path) == f"{path} is a symbolic link; name the file itself in [database] url"
    assert not (tmp_path / "nowhere.db").exists()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder and a pipe are refused."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path in (tmp_path, pipe):
        assert refused(path) == f"{path} is not a file; name a file in [database] url"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/x.db", "No such file or directory"),
        ("x" * 300, "File name too long"),
        ("plain/x.db", "Not a directory"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, name: str, why: str) -> None:
    """Where no file can be made the message says why, and what to do."""
    (tmp_path / "plain").touch()
    path = tmp_path / name

    assert refused(path) == f"cannot open {path}: {why}; make its folder, or name another file in [database] url"


@pytest.mark.skipif(os.geteuid() == 0, reason="for root no file is closed")
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o200])
def test_closed_to_us(database: Path, mode: int) -> None:
    """A file that we may not both read and write is refused before anything is tried with it."""
    database.chmod(mode)

    assert "Permission denied" in refused(database)


def test_not_a_database(tmp_path: Path, run: Run) -> None:
    """A file that is no database is never taken for an empty one, and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)

    async def flow() -> None:
        store = Store(Sqlite(path), Clock())
        try:
            with pytest.raises(StoreUnusable, match=r"not a database.*Restore it"):
                await within(store.writing(), sources.enter, "acme", "phaseo", NOON)
        finally:
            await store.close()

    run(flow())
    assert path.read_text() == "these are my notes\n" * 100


@pytest.mark.processes
def test_opened_twice_in_one_process(store: Store, another: Another, database: Path, run: Run) -> None:
    """A second store on the file leaves the locks of the first alone: another process that ends does not take itself for
    the last one and delete the log, and so sees every commit that follows.
    """

    def seen_by_another_process() -> int:
        asked = subprocess.run([sys.executable, "-c", COUNT_SOURCES, str(database)], capture_output=True, check=True)
        return int(asked.stdout)

    async def flow() -> None:
        await write_one(store, "one")
        another()
        assert seen_by_another_process() == 1
        await write_one(store, "two")
        await write_one(store, "three")
        assert seen_by_another_process() == 3

    run(flow())


def test_a_file_that_has_gone_is_not_made_anew(run: Run, store: Store, database: Path) -> None:
    """
    When the database file is taken away under a running process, no empty one takes its place.
    """

    async def flow() -> None:
        await store.close()
        database.unlink()
        with pytest.raises(StoreAway):
            async with store.reading():
                pass
        for thread in threading.enumerate():  # the driver's thread of that try has to end before the loop does
            if "_connection_worker_thread" in thread.name:
                await asyncio.to_thread(thread.join, 5)

    run(flow())

    assert not database.exists()
