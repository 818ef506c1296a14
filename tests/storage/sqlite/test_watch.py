"""The watch: it sees what others commit, and nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stored import NOON, Another, Clock, Run, a_job, within

from storage import jobs, sources
from storage.sqlite.engine import Sqlite
from storage.sqlite.watch import Watch
from storage.store import Store


@pytest.fixture
def watch(store: Store, database: Path, run: Run) -> Iterator[Watch]:
    run(write(store, "before"))
    watch = Watch(database)
    yield watch
    watch.close()


async def write(store: Store, name: str) -> None:
    await within(store.writing(), sources.enter, name, "phaseo", NOON)


def test_quiet(watch: Watch) -> None:
    """Nothing has changed when nobody wrote, what was there before the watch began included."""
    assert [watch.has_changed() for _ in range(3)] == [False, False, False]


def test_a_commit_is_seen_once(store: Store, another: Another, watch: Watch, run: Run) -> None:
    """Each commit, from whatever connection, is seen, several between two looks as one."""
    for writer, name in ((store, "zero"), (another(), "half")):
        run(write(writer, name))
        assert [watch.has_changed(), watch.has_changed()] == [True, False]
    for name in ("one", "two"):
        run(write(store, name))
    assert [watch.has_changed(), watch.has_changed()] == [True, False]


def test_looking_is_no_change(store: Store, watch: Watch, run: Run) -> None:
    """Who reads, or takes the lock and writes nothing, changes nothing."""

    async def idle() -> None:
        async with store.writing():
            pass

    run(within(store.reading(), sources.all_of_them))
    run(idle())
    assert not watch.has_changed()


def test_undone_is_no_change(store: Store, watch: Watch, run: Run) -> None:
    """What was undone is not seen, neither while it was written nor afterwards."""

    async def fail(look: Callable[[], bool]) -> None:
        async with store.writing() as connection:
            await sources.enter(connection, "acme", "phaseo", NOON)
            assert not look()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fail(watch.has_changed))
    assert not watch.has_changed()


def test_it_holds_nothing_up(store: Store, database: Path, watch: Watch, run: Run) -> None:
    """However often it looks, the log can still be written back whole."""

    async def checkpoint() -> tuple[int, ...]:
        async with store._writer.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            cursor = await raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (row,) = await cursor.fetchall()
            await cursor.close()
            return tuple(row)

    job = run(a_job(store))
    assert watch.has_changed()
    assert run(within(store.reading(), jobs.get, job.id)) == job
    assert run(checkpoint())[0] == 0
    assert (database.parent / f"{database.name}-wal").stat().st_size == 0


@pytest.mark.parametrize("name", ["what?.db", "100%20 a#b.db", "ünder&mode=rw"])
def test_odd_names(tmp_path: Path, run: Run, name: str) -> None:
    """The file that is watched is the one that was named."""
    store = Store(Sqlite(tmp_path / name), Clock())

    async def change(statement: str) -> None:
        async with store.writing() as connection:
            await connection.exec_driver_sql(statement)

    run(change("CREATE TABLE t (x)"))
    watch = Watch(tmp_path / name)
    run(change("INSERT INTO t VALUES (1)"))
    assert watch.has_changed()
    watch.close()
    run(store.close())
