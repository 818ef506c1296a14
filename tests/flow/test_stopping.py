"""A service that is told to stop stops, whatever goes on at that moment, and nothing that it acknowledged is lost."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import SCRIPT, environment, free_port, wait_for
from postgresql_server import Server
from receiving import SECRET, read_reply, sample, signed, wire
from service import until

from operators.clock import now

pytestmark = pytest.mark.processes

BOUND = 10.5  # seconds: ten, and a moment for whoever looks


class Running:
    """A process of a verb, and the log that it writes."""

    def __init__(
        self, verb: str, folder: Path, url: str | None = None, migrates: bool = True, **variables: str
    ) -> None:
        self.port, self.log, self.folder = free_port(), folder / f"{verb}.log", folder
        (folder / "key").write_text("phaseo_v1_sk_stopping_0123456789abcdef")
        (folder / "secret").write_text(SECRET)
        given = {
            "DATABASE__URL": url or f"sqlite:///{folder}/ledger.db",
            "RECEIVER__PORT": str(self.port),
            "OPERATORS__PORT": "0",
            "RECONCILER__FIRST_POLL_SECONDS": "0",
            "RECONCILER__LEASE_SECONDS": "600",  # whoever takes over at once was let in, and did not wait
            "SOURCES__GATEWAY__DIALECT": "phaseo",
            "SOURCES__GATEWAY__API_KEY_FILE": "key",
            "SOURCES__GATEWAY__WEBHOOK_SECRETS_FILE": "secret",
            "SOURCES__GATEWAY__BASE_URL": "http://127.0.0.1:1/v1",
            **variables,
        }
        (folder / "batchkeeper.toml").touch()
        self.environment = environment({f"BATCHKEEPER_{name}": value for name, value in given.items()})
        if migrates:
            self.do("migrate")
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [SCRIPT, verb], cwd=folder, env=self.environment, stdout=output, stderr=output
            )

    def do(self, *arguments: str) -> None:
        subprocess.run([SCRIPT, *arguments], cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def answers(self) -> None:
        wait_for(self.process, f"http://127.0.0.1:{self.port}/readyz", self.log)

    async def tells(self, event: str) -> None:
        async def is_told() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return event in self.log.read_text()

        await until(is_told, event)

    def ends(self, number: int = signal.SIGTERM) -> float:
        """Send the signal; after how many seconds it was gone, with 0."""
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(60) == 0, self.log.read_text()
        return time.monotonic() - began

    def half(self) -> socket.socket:
        """A connection whose request never becomes whole."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(signed(now(), None, "/webhooks/gateway")[:-5])
        return connection


@contextlib.contextmanager
def running(
    verb: str, folder: Path, url: str | None = None, migrates: bool = True, **variables: str
) -> Iterator[Running]:
    one = Running(verb, folder, url, migrates, **variables)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()


@contextlib.asynccontextmanager
async def loaded(port: int) -> AsyncIterator[set[str]]:
    """Deliveries over eight connections, as long as they are taken. The jobs of which it was said that they are on disk."""
    taken: set[str] = set()

    async def send(number: int) -> None:
        with contextlib.suppress(OSError, EOFError):
            async with wire(port) as (reader, writer):
                for turn in range(1_000_000):
                    job = f"batch_{number}_{turn}"
                    writer.write(signed(now(), sample(job), "/webhooks/gateway"))
                    reply = await read_reply(reader)
                    assert reply.status in (202, 503)
                    if reply.status == 202:
                        taken.add(job)

    sending = [asyncio.create_task(send(number)) for number in range(8)]
    try:
        yield taken
    finally:
        await asyncio.gather(*sending)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return connection.execute(sql).fetchall()


def test_under_load_with_half_sent_bodies_and_a_provider_that_hangs(tmp_path: Path) -> None:
    """
    F11: SIGTERM ends `up` in good order within ten seconds although 64 bodies are half sent and a provider never answers. All
    that was acknowledged is on disk, and the lease is given back: another reconciler has it at once.
    """

    async def flow() -> None:
        with socket.create_server(("127.0.0.1", 0)) as hanging:
            provider = {"SOURCES__GATEWAY__BASE_URL": f"http://127.0.0.1:{hanging.getsockname()[1]}/v1"}
            with running("up", tmp_path, **provider) as up, contextlib.ExitStack() as stack:
                up.answers()
                up.do("track", "gateway", "batch_that_hangs")
                asked, _ = await asyncio.to_thread(hanging.accept)
                stack.callback(asked.close)
                for _ in range(64):
                    stack.callback(up.half().close)
                async with loaded(up.port) as taken:

                    async def some() -> bool:
                        return len(taken) > 50

                    await until(some, "some deliveries")
                    assert await asyncio.to_thread(up.ends) < BOUND
                assert '"stopped"' in up.log.read_text()
                assert "unfinished" not in up.log.read_text()
            assert taken <= {job for (job,) in rows(tmp_path, "SELECT job_id FROM deliveries")}
            assert rows(tmp_path, "SELECT until FROM leases WHERE name = 'source:gateway'") == [(0,)]
            with running("reconcile", tmp_path, **provider) as other:
                await other.tells("lease_taken")
                assert await asyncio.to_thread(other.ends) < BOUND

    asyncio.run(flow())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: int, code: int) -> None:
    """While the first one is still being obeyed, a second SIGTERM, or Ctrl-C again, waits for nothing."""

    async def flow() -> None:
        with running("receive", tmp_path) as receiver:
            receiver.answers()
            with contextlib.closing(receiver.half()):
                async with wire(receiver.port) as (reader, writer):
                    writer.write(signed(now(), None, "/webhooks/gateway"))
                    await read_reply(reader)  # by its answer the half-sent one has arrived too
                receiver.process.send_signal(number)
                await receiver.tells('"draining"')
                began = time.monotonic()
                receiver.process.send_signal(number)
                assert receiver.process.wait(60) == code
                assert time.monotonic() - began < 2

    asyncio.run(flow())


@pytest.mark.parametrize("verb", ["up", "receive"])
def test_while_somebody_else_writes_for_long(tmp_path: Path, verb: str) -> None:
    """
    F14: SIGTERM ends a service within ten seconds although its leases and its tallies cannot be written, because another
    process holds the database for longer than anybody waits for it.
    """
    with running(verb, tmp_path) as service:
        service.answers()
        with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert service.ends() < BOUND
            other.execute("ROLLBACK")
        assert '"stopped"' in service.log.read_text()


@pytest.mark.postgresql
def test_while_the_server_says_nothing_any_more(tmp_path: Path, own_postgresql: Server) -> None:
    """F17: SIGTERM ends `up` within ten seconds although its PostgreSQL server hangs, and no command comes back."""
    with own_postgresql.database() as url, running("up", tmp_path, url) as up:
        up.answers()
        with frozen(own_postgresql):
            assert up.ends() < BOUND
        assert '"stopped"' in up.log.read_text()


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """All processes of a server of our own stand still."""
    ((folder,),) = server.do(server.url, "SHOW data_directory")
    postmaster = (Path(folder) / "postmaster.pid").read_text().splitlines()[0]
    listed = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True, check=True).stdout
    processes = [int(postmaster), *map(int, listed.split())]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
