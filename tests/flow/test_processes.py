"""The product's own processes beside each other: they stop in order, take over, wait their turn, and write at the same time."""

import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from service import (
    DEADLINE,
    KEY,
    QUICK,
    Asked,
    Provider,
    SourceAt,
    batch,
    event,
    read_config,
    said,
    secret_of,
    signed,
    until,
    write_config,
)

from operators import acts
from operators.clock import now
from sandbox.server import DEFAULT_ENDPOINT_ID
from storage.sqlite.engine import Sqlite
from storage.store import Store

pytestmark = pytest.mark.processes

SCRIPT = Path(sys.executable).with_name("batchkeeper")
KNOBS = {**QUICK, "lease_seconds": 5}


# Processes


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Place:
    """A folder with a configuration, and the commands that run there."""

    home: Path
    path: Path
    environ: dict[str, str]
    receiver: str

    @property
    def database(self) -> Path:
        return self.home / "ledger.db"

    @property
    def log(self) -> Path:
        return self.home / "log"

    async def _start(self, *arguments: str, **variables: str) -> Process:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("BATCHKEEPER_")}
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                SCRIPT, "--config", str(self.path), *arguments, cwd=self.home, stdin=DEVNULL, stdout=log, stderr=log,
                env={**kept, **self.environ, **variables},
            )  # fmt: skip

    @asynccontextmanager
    async def running(self, *arguments: str, **variables: str) -> AsyncIterator[Process]:
        """A command until the end of the block, if it lives that long; then it is told to stop, and must."""
        process = await self._start(*arguments, **variables)
        try:
            yield process
        finally:
            try:
                if process.returncode is None:
                    process.terminate()
                    await asyncio.wait_for(process.wait(), DEADLINE)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def migrate(self) -> None:
        async with self.running("migrate") as process:
            assert await process.wait() == 0
        self.log.unlink()  # what it says is for people

    async def told(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with --json, ending with this code."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("BATCHKEEPER_")}
        process = await asyncio.create_subprocess_exec(
            SCRIPT, "--config", str(self.path), *arguments, "--json", cwd=self.home, stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
            env={**kept, **self.environ},
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == code, err.decode()
        return json.loads(out)

    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        with suppress(httpx.HTTPError):
            return (await client.get(f"{self.receiver}/readyz")).is_success
        return False

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(statement, values).fetchall()

    def logged(self) -> list[dict[str, Any]]:
        """What the processes logged. Whatever is no line of JSON does not belong there."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line]

    def errors(self) -> list[dict[str, Any]]:
        return [entry for entry in self.logged() if entry["level"] in ("error", "critical")]


def place(
    home: Path, base_url: str, knobs: Mapping[str, Any] | None = None, adopt: str = "none", **sources: str
) -> Place:
    """A configuration for the source `gateway`, which adopts only what is tracked, and for others like it."""
    port = free_port()
    receiver, operators = {"port": port}, {"port": free_port()}
    configured = {name: SourceAt(url, {"adopt": adopt}) for name, url in {"gateway": base_url, **sources}.items()}
    path, environ = write_config(home, configured, {**KNOBS, **(knobs or {})}, receiver, operators)
    return Place(home, path, environ, f"http://127.0.0.1:{port}")


@dataclass
class StandIn:
    """A sandbox in a process of its own."""

    url: str
    client: httpx.AsyncClient

    async def create(self, scenario: str = "") -> str:
        order: dict[str, Any] = {
            "requests": [{"custom_id": "a", "body": {"model": "gpt-5", "messages": []}}],
            "endpoint": "/v1/chat/completions",
            "webhook_endpoint_id": DEFAULT_ENDPOINT_ID,
            "metadata": {"scenario": scenario} if scenario else {},
        }
        answer = await self.client.post(
            f"{self.url}/v1/batches", json=order, headers={"Authorization": f"Bearer {KEY}"}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def truth(self) -> dict[str, Any]:
        answer = await self.client.get(f"{self.url}/sandbox/truth")
        return {entry["job_id"]: entry for entry in answer.json()["batches"]}


@asynccontextmanager
async def crash_place(home: Path, speed: int, client: httpx.AsyncClient) -> AsyncIterator[tuple[Place, StandIn]]:
    """A sandbox process, and a configuration that points at it."""
    port = free_port()
    there = place(home, f"http://127.0.0.1:{port}/v1")
    stand_in = StandIn(f"http://127.0.0.1:{port}", client)
    arguments = ("--port", str(port), "--speed", str(speed), "--webhook-url", f"{there.receiver}/webhooks/gateway")
    process = await asyncio.create_subprocess_exec(
        SCRIPT, "sandbox", *arguments, cwd=home, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
    )
    try:

        async def is_up() -> bool:
            with suppress(httpx.HTTPError):
                return (await client.get(f"{stand_in.url}/sandbox/ready")).is_success
            return False

        await until(is_up, "the sandbox to be up")
        yield there, stand_in
    finally:
        process.terminate()
        await process.wait()


# Load


@dataclass
class Load:
    """Signed deliveries, some about known jobs and most about others; each is sent until it was answered with 2xx."""

    url: str
    jobs: list[str] = field(default_factory=list)
    receipts: list[tuple[str, str]] = field(default_factory=list)  # (delivery, receipt) of every 2xx
    keys: set[tuple[str, str]] = field(default_factory=set)  # (job, key) of every 2xx
    refused: list[int] = field(default_factory=list)
    made: int = 0

    @asynccontextmanager
    async def posting(self, senders: int = 3) -> AsyncIterator[None]:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            tasks = [asyncio.create_task(self._post_for_ever(client)) for _ in range(senders)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
                broken = [each for each in outcomes if not isinstance(each, asyncio.CancelledError)]
                assert not broken, broken

    async def _post_for_ever(self, client: httpx.AsyncClient) -> None:
        while True:
            self.made += 1
            phase = f"progress:{self.made}"
            job = random.choice(self.jobs) if self.made % 10 == 0 else f"batch_elsewhere_{self.made // 3}"
            body = event(job, "in_progress", phase)
            while not await self._post(client, body, job, f"batch.{phase}"):  # noqa: ASYNC110 - beyond a socket
                await asyncio.sleep(0.05)
            if self.made % 7 == 0:
                await self._post(client, body, job, f"batch.{phase}")
            await asyncio.sleep(0.04)  # the machine has other things to do

    async def _post(self, client: httpx.AsyncClient, body: bytes, job: str, key: str) -> bool:
        try:
            answer = await client.post(self.url, content=body, headers=signed(body, secret_of("gateway")))
        except httpx.HTTPError:
            return False
        if not answer.is_success:
            self.refused.append(answer.status_code)
            return False
        told = answer.json()
        self.receipts.append((told["delivery"], told["receipt"]))
        self.keys.add((job, key))
        return True


def assert_nothing_lost(there: Place, load: Load) -> None:
    """I1: whatever was answered with 2xx is there. I2: once. I12: and the file is sound."""
    stored = there.rows("SELECT job_id, delivery_key, count(*), sum(times_received) FROM deliveries GROUP BY 1, 2")
    assert load.keys <= {(job, key) for job, key, _, _ in stored}
    assert all(count == 1 for _, _, count, _ in stored)
    assert len(set(load.receipts)) == len(load.receipts), "one receipt was given twice"
    ((receipts, bodies),) = there.rows(
        "SELECT count(*), sum(EXISTS (SELECT 1 FROM bodies WHERE bodies.id = receipts.body_id)) FROM receipts"
    )
    assert receipts == bodies
    assert receipts >= len(load.receipts)
    assert there.rows("SELECT sum(times_received) FROM deliveries") == [(receipts,)]
    assert there.rows("PRAGMA integrity_check") == [("ok",)]
    assert there.rows("PRAGMA foreign_key_check") == []
    assert set(load.refused) <= {503}


async def all_end_as_the_sandbox_says(there: Place, stand_in: StandIn, jobs: list[str]) -> None:
    async def at_end() -> bool:
        ended = dict(there.rows("SELECT job_id, status FROM jobs WHERE basis = 'observed'"))
        truth = await stand_in.truth()
        return all(truth[job]["done"] and ended.get(job) == truth[job]["status"] for job in jobs)

    await until(at_end, "every job to end as the sandbox says", every=0.25)
    # I4: an end is written once for each revision, and rests on an answer to a question of ours.
    ends = there.rows("SELECT job, revision FROM transitions WHERE basis IS NOT NULL")
    assert len(set(ends)) == len(ends)
    moves = (
        "SELECT count(*) FROM transitions WHERE observation NOT IN (SELECT id FROM observations WHERE asked != 'list')"
    )
    assert there.rows(moves) == [(0,)]


async def all_judged(there: Place) -> None:
    async def so() -> bool:
        return there.rows("SELECT count(*) FROM receipts WHERE verdict IS NULL") == [(0,)]

    await until(so, "every receipt to have its verdict")


@asynccontextmanager
async def _store(there: Place) -> AsyncIterator[Store]:
    """The same file, written to by the test as a command of the operator's would."""
    store = Store(Sqlite(there.database), now)
    try:
        yield store
    finally:
        await store.close()


async def _track_and_cancel(store: Store, there: Place, job: str) -> None:
    config = read_config(there.path, there.environ)
    async with store.writing() as connection:
        await acts.track(connection, config, "gateway", "batch", job, store.new_id, now())
        await acts.cancel(connection, job, "crash test", store.new_id, now())


# Ends, and neighbours


def test_sigterm_while_a_question_hangs(tmp_path: Path) -> None:
    """`up` with a poll, a cancel and a half-sent delivery in the air ends in order within ten seconds, its leases given back."""

    async def flow() -> None:
        hang = asyncio.Event()

        async def script(asked: Asked) -> bytes:
            if asked.job_id == "hangs":
                await hang.wait()
            return said(batch(asked.job_id, "in_progress"))

        async with Provider(script).listening() as provider:
            there = place(tmp_path, provider.base_url, other=provider.base_url)
            async with (
                httpx.AsyncClient(trust_env=False) as client,
                there.running("up") as process,
                _store(there) as store,
                AsyncExitStack() as stack,
            ):
                await until(lambda: there.is_ready(client), "the receiver to be ready")
                for job in ("hangs", "open"):
                    await _track_and_cancel(store, there, job) if job == "hangs" else await _track(store, there, job)

                async def in_the_air() -> bool:
                    methods = [asked.method for asked in provider.asked if asked.job_id == "hangs"]
                    return {"GET", "POST"} <= set(methods)

                await until(in_the_air, "a poll and a cancel to be in the air")
                stack.enter_context(_half_sent(there))
                assert len(_owners(there)) == 2
                started = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 10) == 0
                assert time.monotonic() - started < 10
                assert _owners(there) == []
                assert "stopped" in {entry["event"] for entry in there.logged()}
                assert there.errors() == []

    asyncio.run(flow())


async def _track(store: Store, there: Place, job: str, source: str = "gateway") -> None:
    config = read_config(there.path, there.environ)
    async with store.writing() as connection:
        await acts.track(connection, config, source, "batch", job, store.new_id, now())


def _owners(there: Place) -> list[str]:
    return [name for (name,) in there.rows("SELECT name FROM leases WHERE name LIKE 'source:%' AND until > ?", now())]


@contextmanager
def _half_sent(there: Place) -> Iterator[None]:
    """A sender that stops in the middle of its request and never goes on."""
    host, _, port = there.receiver.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /webhooks/gateway HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        yield


def test_a_cancel_under_way_when_the_service_stops_is_sent_again_at_the_next_start(tmp_path: Path) -> None:
    """An operator's cancel that was never answered does not wait: the next process sends it at once."""

    async def flow() -> None:
        hangs = True

        async def script(asked: Asked) -> bytes:
            if asked.method == "POST" and hangs:
                await asyncio.sleep(60)
            cancelled = asked.method == "POST" or len([each for each in provider.asked if each.method == "POST"]) > 1
            return said(batch(asked.job_id, "cancelled" if cancelled else "in_progress"))

        async with Provider(script).listening() as provider:
            there = place(tmp_path, provider.base_url)
            async with httpx.AsyncClient(trust_env=False) as client, _store(there) as store:

                async def sent() -> bool:
                    return "POST" in {asked.method for asked in provider.asked}

                async with there.running("up") as process:
                    await until(lambda: there.is_ready(client), "the receiver to be ready")
                    await _track_and_cancel(store, there, "batch_a")
                    await until(sent, "the cancel to be sent")
                    process.send_signal(signal.SIGTERM)
                    await process.wait()
                hangs = False
                async with there.running("reconcile"):

                    async def cancelled() -> bool:
                        return there.rows("SELECT status FROM jobs") == [("cancelled",)]

                    await until(cancelled, "the job to be cancelled", deadline=15)
                ((code,),) = there.rows(
                    "SELECT code FROM failures WHERE cleared_at IS NULL AND category = 'cancellation'"
                )
                assert code == "cancelled_by_operator"

    asyncio.run(flow())


def test_a_second_reconciler_beside_up_waits_its_turn(tmp_path: Path) -> None:
    """Beside `up`, `reconcile` owns nothing, asks nobody and harms nothing; when `up` is killed it takes over at once."""

    async def flow() -> None:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client,
            crash_place(tmp_path, 200, client) as (there, stand_in),
            _store(there) as store,
            AsyncExitStack() as stack,
        ):
            up = await stack.enter_async_context(there.running("up"))
            await until(lambda: there.is_ready(client), "the receiver to be ready")

            async def owned() -> bool:
                return len(_owners(there)) == 1

            await until(owned, "the source to be owned")
            ((holder, fence),) = there.rows("SELECT holder, fence FROM leases WHERE name LIKE 'source:%'")
            await stack.enter_async_context(there.running("reconcile"))
            assert await there.told("reconcile", "--once") == {"gateway": None}
            jobs = [await stand_in.create(word) for word in ("", "webhook_lost", "fails")]
            for job in jobs:
                await _track(store, there, job)
            await all_end_as_the_sandbox_says(there, stand_in, jobs)
            assert there.rows("SELECT holder, fence FROM leases WHERE name LIKE 'source:%'") == [(holder, fence)]

            up.kill()
            await up.wait()
            more = [await stand_in.create("webhook_lost") for _ in range(2)]
            for job in more:
                await _track(store, there, job)
            await all_end_as_the_sandbox_says(there, stand_in, more)
            ((successor, higher),) = there.rows("SELECT holder, fence FROM leases WHERE name LIKE 'source:%'")
            assert (successor != holder, higher > fence) == (True, True)
            assert there.errors() == []

    asyncio.run(flow())


def test_receiver_reconciler_and_commands_write_at_the_same_time(tmp_path: Path) -> None:
    """Three processes and bursts of commands on one file under load: no error, no lost delivery, each job as it was asked for."""

    async def flow() -> None:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client,
            crash_place(tmp_path, 10, client) as (there, stand_in),
        ):
            await there.migrate()
            jobs = [await stand_in.create() for _ in range(3)]
            load = Load(f"{there.receiver}/webhooks/gateway", jobs)
            async with there.running("receive"), there.running("reconcile"):
                await until(lambda: there.is_ready(client), "the receiver to be ready")
                async with load.posting():
                    tracked = await asyncio.gather(*(there.told("track", "gateway", job) for job in jobs))
                    asked = await asyncio.gather(
                        *(there.told("cancel", job, "--reason", "too many") for job in jobs),
                        there.told("poll", jobs[0]),
                        there.told("deliveries", "--all"),
                    )
                await all_end_as_the_sandbox_says(there, stand_in, jobs)
                await all_judged(there)
            assert [each["job_id"] for each in tracked] == jobs
            assert [each["job_id"] for each in asked[:4]] == [*jobs, jobs[0]]
            assert there.rows("SELECT DISTINCT status FROM jobs") == [("cancelled",)]
            assert there.errors() == []
            assert_nothing_lost(there, load)
            assert len(load.receipts) > 20

    asyncio.run(flow())


# Once


def test_once_does_what_is_due_and_ends(tmp_path: Path) -> None:
    """`reconcile --once` judges, asks and cancels what is due, leaves the lease free, and a second one has nothing left to do."""

    async def flow() -> None:
        async def script(asked: Asked) -> bytes:
            return said(batch(asked.job_id, "cancelled" if asked.job_id == "unwanted" else "in_progress"))

        slow = {"poll_seconds": 60, "poll_cap_seconds": 60, "first_poll_seconds": 60}
        async with Provider(script).listening() as provider:
            there = place(tmp_path, provider.base_url, slow, adopt="signed")
            await there.migrate()
            async with httpx.AsyncClient(trust_env=False) as client, there.running("receive"), _store(there) as store:
                await until(lambda: there.is_ready(client), "the receiver to be ready")
                await _track(store, there, "watched")
                await _track_and_cancel(store, there, "unwanted")
                body = event("adopted", "in_progress", "created")
                url = f"{there.receiver}/webhooks/gateway"
                assert (await client.post(url, content=body, headers=signed(body))).status_code == 202
                done = await there.told("reconcile", "--once")
                found = dict(there.rows("SELECT job_id, status FROM jobs"))

                assert done["gateway"] > 0
                assert found == {"watched": "running", "unwanted": "cancelled", "adopted": "running"}
                assert there.rows("SELECT verdict FROM deliveries") == [("unknown_job",)]
                assert _owners(there) == []
                questions = len(provider.asked)
                assert await there.told("reconcile", "--once") == {"gateway": 0}
                assert len(provider.asked) == questions

    asyncio.run(flow())


def test_once_outlasts_its_lease(tmp_path: Path) -> None:
    """A round that takes longer than the lease keeps it: slow answers are still written, and nobody takes over in between."""

    async def flow() -> None:
        async def script(asked: Asked) -> bytes:
            await asyncio.sleep(4)
            return said(batch(asked.job_id, "in_progress"))

        slow = {"poll_seconds": 60, "poll_cap_seconds": 60, "lease_seconds": 2}
        async with Provider(script).listening() as provider:
            there = place(tmp_path, provider.base_url, slow)
            await there.migrate()
            async with _store(there) as store:
                for job in ("batch_a", "batch_b"):
                    await _track(store, there, job)
            done = await there.told("reconcile", "--once")

            assert done["gateway"] >= 2
            assert there.rows("SELECT DISTINCT status FROM jobs") == [("running",)]

    asyncio.run(flow())


def test_once_does_not_wait_for_a_source_in_trouble(tmp_path: Path) -> None:
    """With the key refused, or the source gone, `reconcile --once` notes the trouble and ends; the other source is served."""

    async def flow() -> None:
        def script(asked: Asked) -> bytes:
            refused = {"error": "unauthorised", "reason": "invalid_secret", "error_origin": "user"}
            return said(refused, 401) if "locked" in asked.target else said(batch(asked.job_id, "in_progress"))

        async with Provider(script).listening() as provider:
            there = place(
                tmp_path,
                provider.base_url,
                {"poll_seconds": 60, "poll_cap_seconds": 60},
                locked=f"{provider.url}/locked/v1",
                gone=f"http://127.0.0.1:{free_port()}/v1",
            )
            await there.migrate()
            async with _store(there) as store:
                for source in ("gateway", "locked", "gone"):
                    await _track(store, there, f"batch_{source}", source)
            started = time.monotonic()
            await there.told("reconcile", "--once", code=7)

            assert time.monotonic() - started < 30, "it waited for the next question, a minute later"
            assert dict(there.rows("SELECT job_id, status FROM jobs")) == {
                "batch_gateway": "running",
                "batch_locked": "unknown",
                "batch_gone": "unknown",
            }
            assert dict(there.rows("SELECT name, trouble FROM sources")) == {
                "gateway": None,
                "locked": "key_refused",
                "gone": None,
            }
            assert there.rows("SELECT trouble FROM jobs WHERE job_id = 'batch_gone'") == [("unreachable",)]

    asyncio.run(flow())
