"""The whole service on a disk that is full, a file that is locked, and a database that is damaged."""

import asyncio
import contextlib
import json
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from receiving import Reply, raw, read_reply, sample, signed, wire
from service import until
from test_stopping import Running, rows, running

from operators.clock import now

pytestmark = pytest.mark.processes

SMALL = 200_000  # bytes of a file, and more than the database has at the beginning


async def ask(up: Running, request: bytes) -> Reply:
    async with wire(up.port) as (reader, writer):
        writer.write(request)
        return await read_reply(reader)


async def deliver(up: Running, job: str) -> Reply:
    body = json.loads(sample(job)) | {"padding": "x" * 20_000}
    return await ask(up, signed(now(), json.dumps(body).encode(), "/webhooks/gateway"))


async def readiness(up: Running) -> int:
    return (await ask(up, raw("GET", "/readyz", {"host": "localhost"}))).status


async def is_ready(up: Running) -> bool:
    return await readiness(up) == 200


async def is_unready(up: Running) -> bool:
    return await readiness(up) == 503


def test_a_full_disk(tmp_path: Path) -> None:
    """
    F12: with no room left `up` answers 503 with Retry-After and is not ready, and acknowledges nothing that it has not stored.
    Its reconciler neither ends nor spins. With room again everything goes on by itself.
    """

    async def flow() -> None:
        with running("up", tmp_path) as up:
            await asyncio.to_thread(up.answers)
            limits = resource.prlimit(up.process.pid, resource.RLIMIT_FSIZE, (SMALL, -1))
            taken = []
            for number in range(100):
                reply = await deliver(up, f"batch_{number}")
                if reply.status != 202:
                    break
                taken.append(f"batch_{number}")
            assert (reply.status, reply.headers["retry-after"]) == (503, "5")
            assert taken
            await until(lambda: is_unready(up), "not to be ready")
            assert (await deliver(up, "batch_later")).status == 503
            await up.tells("store_trouble")
            assert len(up.log.read_text()) < 20_000

            resource.prlimit(up.process.pid, resource.RLIMIT_FSIZE, limits)
            await until(lambda: is_ready(up), "to be ready again")
            assert (await deliver(up, "batch_later")).status == 202
            stored = {job for (job,) in rows(tmp_path, "SELECT job_id FROM deliveries")}
            assert {*taken, "batch_later"} <= stored

            async def is_judged() -> bool:
                return rows(tmp_path, "SELECT count(*) FROM receipts WHERE verdict IS NULL") == [(0,)]

            await until(is_judged, "all receipts to be judged")
            assert await asyncio.to_thread(up.ends) < 10.5

    asyncio.run(flow())
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize(("seconds", "status"), [(0.5, 202), (7.0, 503)])
def test_a_locked_file(tmp_path: Path, seconds: float, status: int) -> None:
    """F14: whoever writes for a moment is waited for; for longer, the answer is 503 with Retry-After, and no row is lost."""

    async def flow() -> None:
        with running("up", tmp_path) as up:
            await asyncio.to_thread(up.answers)
            with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                asked = asyncio.create_task(deliver(up, "batch_1"))
                await asyncio.wait({asked}, timeout=seconds)
                assert asked.done() == (status == 503)
                other.execute("ROLLBACK")
            assert (await asked).status == status
            if status == 503:
                assert (await asked).headers["retry-after"] == "5"
            again = await deliver(up, "batch_1")
            assert again.status == (200 if status == 202 else 202)
            assert rows(tmp_path, "SELECT job_id FROM deliveries") == [("batch_1",)]

    asyncio.run(flow())


def _flip(path: Path, at: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


def _cut(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


def _flip_without_log(path: Path, at: int, length: int) -> None:
    """A page that is in the log is not read from the file: here there is no log any more."""
    path.with_name(f"{path.name}-wal").write_bytes(b"")
    _flip(path, at, length)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "its header": lambda path: _flip_without_log(path, 0, 100),
    "its list of tables": lambda path: _flip_without_log(path, 100, 3_000),
    "its second half is gone": lambda path: _cut(path, 0.5),
    "all of it is gone": lambda path: _cut(path, 0),
    "the header of its log": lambda path: _flip(path.with_name(f"{path.name}-wal"), 0, 32),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a service leaves that was killed: some of its rows are in the file, and some in its log."""
    folder = tmp_path_factory.mktemp("killed")

    async def flow() -> None:
        with running("receive", folder) as receiver:
            await asyncio.to_thread(receiver.answers)
            with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                assert (await deliver(receiver, "batch_1")).status == 202
                receiver.process.kill()
                receiver.process.wait()
                # Copied while somebody still has it open: whoever closes it last would tidy up.
                for name in ("ledger.db", "ledger.db-wal"):
                    shutil.copy(folder / name, folder / f"kept-{name}")
        for name in ("ledger.db", "ledger.db-wal"):
            (folder / f"kept-{name}").replace(folder / name)
        (folder / "ledger.db-shm").unlink(missing_ok=True)

    asyncio.run(flow())
    return folder


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_refused_and_left(killed: Path, tmp_path: Path, damage: str) -> None:
    """F16: `up` ends with 6 and says what to do; it never begins anew, and leaves the files as they are."""
    folder = tmp_path / "service"
    shutil.copytree(killed, folder)
    database = folder / "ledger.db"
    DAMAGES[damage](database)
    wal = database.with_name("ledger.db-wal")
    files = [database, wal] if wal.stat().st_size else [database]
    before = [file.read_bytes() for file in files]

    with running("up", folder, migrates=False) as up:
        assert up.process.wait(30) == 6, up.log.read_text()
        assert "Restore" in up.log.read_text()

    assert [file.read_bytes() for file in files] == before


def test_what_was_killed_and_not_damaged_begins_again(killed: Path, tmp_path: Path) -> None:
    """The same files, as they were left: the row that was in the log alone is there."""
    folder = tmp_path / "service"
    shutil.copytree(killed, folder)

    with running("up", folder, migrates=False) as up:
        up.answers()
        assert rows(folder, "SELECT job_id FROM deliveries") == [("batch_1",)]


def test_damage_that_shows_while_it_runs(tmp_path: Path) -> None:
    """
    F16: when the file is damaged under a running service, deliveries are answered 503 and it is not ready; the log says what
    happened and what to do, and the process goes on, without a word a millisecond.
    """

    async def flow() -> None:
        with running("up", tmp_path) as up:
            await asyncio.to_thread(up.answers)
            assert (await deliver(up, "batch_1")).status == 202
            with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                other.execute("BEGIN IMMEDIATE")
                other.execute("CREATE TABLE noticed (by_all)")
                size = (tmp_path / "ledger.db").stat().st_size
                _damage_from_outside(tmp_path / "ledger.db", 4_096, size - 4_096)
                other.execute("COMMIT")  # at which everybody looks at the file again

            async def is_refused() -> bool:
                return (await deliver(up, "batch_2")).status == 503

            await until(is_refused, "to be answered 503")
            await up.tells("Restore it from a backup")
            await until(lambda: is_unready(up), "not to be ready")
            assert up.process.poll() is None
            assert "Traceback" not in up.log.read_text()
            assert len(up.log.read_text()) < 20_000
            assert await asyncio.to_thread(up.ends, signal.SIGTERM) < 10.5

    asyncio.run(flow())


def _damage_from_outside(path: Path, at: int, length: int) -> None:
    """In a process of its own: to close the file here would take away the locks of this one's connections."""
    pages = [f"seek={at // 4_096}", f"count={length // 4_096}", "bs=4096"]
    subprocess.run(["dd", "if=/dev/urandom", f"of={path}", *pages, "conv=notrunc", "status=none"], check=True)
