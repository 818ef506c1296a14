"""`batchkeeper watch` as a person and a script use it: a process of its own, beside a service whose gateway has sockets."""

import asyncio
import json
import os
import pty
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from commands import SCRIPT, environment
from live import Gateway
from service import DEADLINE, Service, service, until
from sqlalchemy import select

from schemas.tables import WatchRow
from storage.rows import fetch, table
from storage.store import Store

pytestmark = pytest.mark.processes

# Nobody is asked about by routine while a test lasts.
SELDOM = {"poll_seconds": 600, "poll_cap_seconds": 3600, "first_poll_seconds": 600}
PLAIN = {"webhook": "none", "adopt": "none"}


class Watching:
    """One running `watch`, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out = ""
        self.err = ""
        self._reading = [asyncio.create_task(self._read(name)) for name in ("out", "err")]

    async def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        while stream is not None and (piece := await stream.read(65_536)):
            setattr(self, name, getattr(self, name) + piece.decode())

    async def prints(self, text: str) -> None:
        """Wait until that is among what it has printed."""

        async def there() -> bool:
            return text in self.out + self.err

        try:
            await until(there, f"`{text}` to be printed")
        finally:
            print(self.out, self.err)  # noqa: T201  (shown where the test fails)

    async def ends(self) -> int:
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*self._reading)
            return await self.process.wait()


def heeds_interrupts() -> None:
    """A shell has what it runs in the background ignore SIGINT, and so would whatever the tests start there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def watching(running: Service, *words: str, terminal: int | None = None) -> AsyncIterator[Watching]:
    """The verb at work; ended at the end of the block, if it has not by itself."""
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        "watch",
        *words,
        "--config",
        str(running.path),
        env=environment({**running.environ, "TERM": "xterm-256color", "COLUMNS": "90"}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if terminal is None else terminal,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=heeds_interrupts,
    )
    one = Watching(process)
    try:
        yield one
    finally:
        if process.returncode is None:
            process.kill()
        await one.ends()


@asynccontextmanager
async def staged(reconciles: bool = True) -> AsyncIterator[tuple[Gateway, Service]]:
    """A gateway with a running job, and the service that knows it."""
    gateway = Gateway()
    async with (
        gateway.listening(),
        service(gateway.base_url, SELDOM, more=PLAIN, reconciles=reconciles) as running,
    ):
        await running.track("batch_a")
        if reconciles:
            await running.reaches("batch_a", "running")
        yield gateway, running


async def watches_of(store: Store) -> list[WatchRow]:
    """Who watches, by the store."""
    async with store.reading() as connection:
        return await fetch(connection, WatchRow, select(table(WatchRow)))


async def opens(gateway: Gateway) -> None:
    async def there() -> bool:
        return "batch_a" in gateway.open

    await until(there, "a socket about the job")


@pytest.mark.both_stores
def test_from_progress_to_the_end() -> None:
    """In a pipe: a line for each change, and a last one that says how it ended; with --json an object for each. Both end
    with 0, and nobody watches any more."""

    async def flow() -> None:
        async with (
            staged() as (gateway, running),
            watching(running, "batch_a") as lines,
            watching(running, "batch_a", "--json") as objects,
        ):
            await opens(gateway)
            await gateway.tell("batch_a", "in_progress", request_counts={"total": 10, "completed": 4, "failed": 1})
            await lines.prints("running  in_progress  50 %  4 of 10 rows, 1 failed  by ")
            await objects.prints('"progress": 50')
            gateway.statuses["batch_a"] = "completed"
            await gateway.tell("batch_a", "completed")
            assert (await lines.ends(), await objects.ends()) == (0, 0)
            assert await watches_of(running.store) == []
        assert (lines.err, objects.err) == ("", "")
        *shown, last = lines.out.splitlines()
        assert last.startswith("gateway/batch_a has ended: completed at 20")
        assert all(re.match(r"\d\d:\d\d:\d\d  \w", line) for line in shown)
        views = [json.loads(line) for line in objects.out.splitlines()]
        assert [view["status"] for view in views if view["status"] != "running"] == ["completed"]
        assert views[-1]["ended_at"]
        assert any(view["socket"] and view["rows"] == {"total": 10, "completed": 4, "failed": 1} for view in views)

    asyncio.run(flow())


def test_ctrl_c_gives_the_watch_back() -> None:
    """Ctrl-C ends it with 130; nobody watches any more, and the socket is closed."""

    async def flow() -> None:
        async with staged() as (gateway, running), watching(running, "batch_a") as one:
            await opens(gateway)
            await one.prints("running")
            socket = gateway.open["batch_a"]
            one.process.send_signal(signal.SIGINT)
            assert await one.ends() == 130
            assert one.err == "batchkeeper: interrupted\n"
            assert await watches_of(running.store) == []
            await socket.wait_closed()

    asyncio.run(flow())


def test_a_watch_is_renewed() -> None:
    """It outlasts its own length as long as somebody watches, and lapses when they are killed."""

    async def flow() -> None:
        async with staged() as (gateway, running), watching(running, "batch_a") as one:
            await opens(gateway)
            [first] = await watches_of(running.store)

            async def renewed() -> bool:
                [row] = await watches_of(running.store)
                return row.until > first.until

            await until(renewed, "the watch to be renewed")
            one.process.kill()
            assert await one.ends() == -signal.SIGKILL
            [left] = await watches_of(running.store)
            assert left.id == first.id

    asyncio.run(flow())


def test_what_a_terminal_shows() -> None:
    """One picture that lives, with a bar, what it rests on and the next question; at last how it ended."""

    async def flow() -> str:
        ours, theirs = pty.openpty()
        printed = bytearray()

        async def shows_rows() -> bool:
            return b"2 of 5 rows" in printed

        async with staged() as (gateway, running), watching(running, "gateway/batch_a", terminal=theirs) as one:
            os.close(theirs)
            reading = asyncio.create_task(asyncio.to_thread(read_all, ours, printed))
            await opens(gateway)
            await gateway.tell("batch_a", "in_progress", progress=40, request_counts={"total": 5, "completed": 2})
            await until(shows_rows, "a picture with rows")
            gateway.statuses["batch_a"] = "failed"
            await gateway.tell("batch_a", "failed")
            assert await one.ends() == 0
            await reading
        return printed.decode()

    printed = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", asyncio.run(flow()))
    assert "gateway/batch_a has ended: failed at 20" in printed
    assert "(execution: failed; `batchkeeper explain job_" in printed
    shown = ("status +running", "━ +40 %", "rows +2 of 5 rows", "rests on +(socket|poll), .+ ago", "next question +in ")
    for pattern in shown:
        assert re.search(pattern, printed), pattern


def read_all(terminal: int, printed: bytearray) -> None:
    """Read what is printed on a terminal, until nobody holds its other side."""
    with suppress(OSError):
        while piece := os.read(terminal, 65_536):
            printed += piece
    os.close(terminal)


def test_what_has_ended_already() -> None:
    """It says so and ends with 0, and nobody is told that somebody watches; with --json the one object stands alone."""

    async def flow() -> None:
        async with staged() as (gateway, running):
            gateway.statuses["batch_a"] = "cancelled"
            await running.poll("batch_a")
            await running.reaches("batch_a", "cancelled")
            async with watching(running, "batch_a") as line, watching(running, "batch_a", "--json") as whole:
                assert (await line.ends(), await whole.ends()) == (0, 0)
            assert line.out.startswith("gateway/batch_a had ended already: cancelled at 20")
            assert json.loads(whole.out)["status"] == "cancelled"
            assert gateway.upgrades == []

    asyncio.run(flow())


def test_nobody_reconciles() -> None:
    """Without a reconciler nothing will move: it says so, and what to do about it."""

    async def flow() -> None:
        async with staged(reconciles=False) as (_, running), watching(running, "batch_a") as one:
            await one.prints("no reconciler is at work for gateway; `batchkeeper up`")
            await one.prints("unknown  nobody was asked yet  no reconciler is at work\n")

    asyncio.run(flow())


def test_no_such_job() -> None:
    """A job that nobody knows ends it with 4, and nothing is printed but the advice."""

    async def flow() -> None:
        async with staged(reconciles=False) as (_, running), watching(running, "batch_nobody") as one:
            assert await one.ends() == 4
            assert (one.out, "`batchkeeper jobs` lists them" in one.err) == ("", True)

    asyncio.run(flow())
