"""The real receiver, ledger and reconciler in the test's own loop, beside a stand-in or a scripted provider.

Nothing of ours is replaced: the configuration is read from a file, the tables come from the migrations, every question and
every delivery goes over a socket. Only the pace is that of a test.
"""

import asyncio
import base64
import hmac
import inspect
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import structlog
from stores import DATABASE

from operators import acts, filters, listings, queries
from operators.clock import now
from operators.reloading import enter_sources
from operators.store import opened
from receiver.app import build_app
from receiver.server import Server
from reconciler.daemon import Reconciler
from sandbox.server import (
    DEFAULT_API_KEY,
    DEFAULT_ENDPOINT_ID,
    DEFAULT_WEBHOOK_SECRET,
    RunningSandbox,
    SandboxSettings,
)
from schemas.config import Config, load
from schemas.dialects import DEFAULTS
from schemas.tables import JobRow
from storage import jobs
from storage.ledger import Ledger
from storage.store import Store

DEADLINE = 90.0  # generous: the machine may be busy, and what is waited for comes long before
KEY, SECRET = DEFAULT_API_KEY, DEFAULT_WEBHOOK_SECRET
TOLD_SECRET = "whsec_" + base64.b64encode(b"what downstream verifies us with").decode()
MANAGER = {"Authorization": "Bearer phaseo_v1_mk_abc123_secret"}
QUICK = {
    "poll_seconds": 0.1,
    "poll_cap_seconds": 0.5,
    "first_poll_seconds": 0.2,
    "output_patience_seconds": 2,
    "stuck_cancel_seconds": 1,
    "request_timeout_seconds": 10,
}
WINDOW = 3  # seconds; longer than the stand-in's last attempt takes at the speeds used here

Condition = Callable[[], Awaitable[Any]]


async def until(holds: Condition, what: str, deadline: float = DEADLINE, every: float = 0.05) -> Any:
    """Wait until something holds, and return it; fail with `what` when it does not come true in time."""
    end = time.monotonic() + deadline
    while not (found := await holds()):
        assert time.monotonic() < end, f"waited {deadline:g} s in vain: {what}"
        await asyncio.sleep(every)
    return found


# The configuration


@dataclass(frozen=True)
class SourceAt:
    """One configured source: its base URL and whatever else its table is to hold."""

    base_url: str
    more: Mapping[str, Any] = field(default_factory=dict)
    key: str = KEY
    secret: str | None = None  # None: one that follows from its name
    options: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)  # what its options name


def write_config(
    home: Path,
    sources: Mapping[str, SourceAt],
    knobs: Mapping[str, Any] = QUICK,
    receiver: Mapping[str, Any] | None = None,
    operators: Mapping[str, Any] | None = None,
    handoffs: Mapping[str, Mapping[str, Any]] | None = None,
    data: Mapping[str, Any] | None = None,
) -> tuple[Path, dict[str, str]]:
    """A configuration file and the environment that its secrets stand in. Each source has a secret of its own."""
    tables: dict[str, Mapping[str, Any]] = {
        "database": {"url": DATABASE.get() or f"sqlite:///{home / 'ledger.db'}"},
        "data": {"reserve_bytes": 0, **(data or {})},
        "receiver": receiver or {"port": 0},
        "operators": operators or {"port": 0},
        "reconciler": knobs,
    }
    if "url" not in tables["data"]:
        tables["data"] = {"dir": str(home / "data"), **tables["data"]}
    environ: dict[str, str] = {}
    for name, source in sources.items():
        environ |= {f"KEY_{name}": source.key, f"SECRET_{name}": source.secret or secret_of(name), **source.environ}
        tables[f"sources.{name}"] = {
            "dialect": "phaseo",
            "base_url": source.base_url,
            "api_key_env": f"KEY_{name}",
            "webhook_secrets_env": [f"SECRET_{name}"],
            "webhook_endpoint_id": DEFAULT_ENDPOINT_ID,
            "delivery_window_seconds": WINDOW,
            **source.more,
        }
        if source.options:
            tables[f"sources.{name}.options"] = source.options
    tables |= {f"handoffs.{name}": entries for name, entries in (handoffs or {}).items()}
    environ |= {"TOLD": TOLD_SECRET, "PATH": os.environ["PATH"]} if handoffs else {}
    path = home / "batchkeeper.toml"
    path.write_text("\n".join(_table(name, entries) for name, entries in tables.items()))
    return path, environ


def secret_of(source: str) -> str:
    return SECRET if source == "gateway" else f"{SECRET}-of-{source}"


def read_config(path: Path, environ: Mapping[str, str]) -> Config:
    return load(path, environ, DEFAULTS)


def _table(name: str, entries: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in entries.items() if value is not None]
    return "\n".join([f"[{name}]", *lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


# The service


@dataclass
class Service:
    """What runs, and how a test looks at it."""

    config: Config
    store: Store
    reconciler: Reconciler
    receiver_url: str
    client: httpx.AsyncClient
    logged: list[Any]
    path: Path
    environ: dict[str, str]

    async def track(self, job_id: str, source: str = "gateway", kind: str | None = "batch") -> None:
        async with self.store.writing() as connection:
            await acts.track(connection, self.config, source, kind, job_id, self.store.new_id, now())
        self.reconciler.wake()

    async def cancel(self, job_id: str, reason: str = "not needed any more") -> None:
        async with self.store.writing() as connection:
            await acts.cancel(connection, job_id, reason, self.store.new_id, now())
        self.reconciler.wake()

    async def poll(self, job_id: str) -> None:
        async with self.store.writing() as connection:
            await acts.poll(connection, job_id, self.store.new_id, now())
        self.reconciler.wake()

    async def view(self, job_id: str) -> dict[str, Any]:
        """All that operators are shown of a job."""
        async with self.store.reading() as connection:
            return await queries.show_job(connection, self.config, job_id, now())

    async def row(self, job_id: str) -> JobRow | None:
        async with self.store.reading() as connection:
            found = await jobs.named(connection, job_id)
        return found[0] if found else None

    async def deliveries(self) -> list[dict[str, Any]]:
        async with self.store.reading() as connection:
            return (
                await listings.list_deliveries(connection, self.config, filters.everything(filters.DELIVERIES))
            ).rows

    async def refusals(self) -> list[dict[str, Any]]:
        async with self.store.reading() as connection:
            return (await listings.list_refusals(connection, filters.everything(filters.REFUSALS))).rows

    async def source(self, name: str = "gateway") -> dict[str, Any]:
        async with self.store.reading() as connection:
            clock = self.store.engine.lease_clock(now())
            rows = await queries.list_sources(connection, self.config, now(), clock)
        return next(row for row in rows if row["name"] == name)

    async def reaches(self, job_id: str, *statuses: str) -> JobRow:
        """Wait until a job is here and in one of these states."""

        async def there() -> JobRow | None:
            row = await self.row(job_id)
            return row if row is not None and row.status in statuses else None

        found: JobRow = await until(there, f"{job_id} to be {' or '.join(statuses)}")
        return found

    async def settles(self, *job_ids: str) -> list[dict[str, Any]]:
        """Wait until jobs have ended, are ready and settled, and will not be asked about again."""

        async def all_over() -> bool:
            rows = [await self.row(job_id) for job_id in job_ids]
            return all(row is not None and row.settled_at is not None and row.due_at is None for row in rows)

        await until(all_over, f"{len(job_ids)} jobs to settle")
        return [await self.view(job_id) for job_id in job_ids]

    async def shows(self, job_id: str, holds: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        """Wait until what operators are shown of a job is as wished."""

        async def so() -> dict[str, Any] | None:
            view = await self.view(job_id) if await self.row(job_id) else None
            return view if view and holds(view) else None

        found: dict[str, Any] = await until(so, f"{job_id}: {what}")
        return found

    async def deliver(self, body: bytes, source: str = "gateway", **headers: str) -> httpx.Response:
        """Post one signed delivery."""
        url = f"{self.receiver_url}/webhooks/{source}"
        return await self.client.post(url, content=body, headers={**signed(body, secret_of(source)), **headers})

    def errors(self) -> list[Any]:
        return [entry for entry in self.logged if entry["log_level"] in ("error", "critical")]


def told(view: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The failures that hold for a job now."""
    return {(failure["category"], failure["code"]) for failure in view["failures"]}


def ever_told(view: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The failures that hold or ever held for a job."""
    return told(view) | {(failure["category"], failure["code"]) for failure in view["cleared_failures"]}


@asynccontextmanager
async def service(
    provider: str | Mapping[str, SourceAt],
    knobs: Mapping[str, Any] | None = None,
    *,
    more: Mapping[str, Any] | None = None,
    handoffs: Mapping[str, Mapping[str, Any]] | None = None,
    data: Mapping[str, Any] | None = None,
    receiver: Mapping[str, Any] | None = None,
    reconciles: bool = True,
    errors_expected: bool = False,
    clock: Callable[[], int] = now,
) -> AsyncIterator[Service]:
    """Run receiver and reconciler for one provider's base URL, or for several sources. `clock` is the reconciler's."""
    sources = {"gateway": SourceAt(provider, more or {})} if isinstance(provider, str) else provider
    with tempfile.TemporaryDirectory(prefix="flow-") as folder, structlog.testing.capture_logs() as logged:
        path, environ = write_config(
            Path(folder), sources, {**QUICK, **(knobs or {})}, receiver, handoffs=handoffs, data=data
        )
        config = read_config(path, environ)
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(opened(config, migrate=True))
            await enter_sources(store, config, clock())  # as whoever starts a receiver does
            reconciler = Reconciler(config, store, clock)
            ledger = Ledger(store.engine, store.new_id, on_commit=reconciler.wake)
            await ledger.start()
            stack.push_async_callback(ledger.close)
            server = Server(build_app(config, ledger, now, store), config.receiver)
            url = f"http://127.0.0.1:{await server.start()}"
            stack.push_async_callback(server.stop)
            client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=DEADLINE))
            if reconciles:
                await stack.enter_async_context(reconciling(reconciler))
            running = Service(config, store, reconciler, url, client, logged, path, environ)
            yield running
        assert errors_expected or not running.errors(), running.errors()


@asynccontextmanager
async def reconciling(reconciler: Reconciler) -> AsyncIterator[asyncio.Task[None]]:
    """The reconciler at work. If it breaks, so does the test."""
    task = asyncio.create_task(reconciler.run())
    try:
        yield task
    finally:
        broken = task.done()
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        if broken and isinstance(outcome, BaseException):
            raise outcome


# The stand-in


@dataclass
class Stage:
    """A sandbox with a service beside it."""

    box: RunningSandbox
    service: Service
    client: httpx.AsyncClient

    async def create(self, scenario: str = "", rows: int = 6, **extra: Any) -> str:
        """Make a batch at the stand-in, behind the service's back."""
        named = {"metadata": {"scenario": scenario}} if scenario else {}
        requests = [{"custom_id": f"row-{n}", "body": {"model": "gpt-5", "messages": []}} for n in range(rows)]
        order = {"requests": requests, "endpoint": "/v1/chat/completions", "webhook_endpoint_id": DEFAULT_ENDPOINT_ID}
        answer = await self.client.post("/v1/batches", json=order | named | extra)
        if answer.status_code == 502:  # what became of it is not known, and this is its id
            return str(answer.json()["error"]["batch_id"])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def watched(self, scenario: str = "", **extra: Any) -> str:
        job = await self.create(scenario, **extra)
        await self.service.track(job)
        return job

    async def truth(self) -> dict[str, dict[str, Any]]:
        """What the stand-in says really happened, by job."""
        truth = (await self.client.get("/sandbox/truth")).json()
        return {entry["job_id"]: entry for entry in (*truth["batches"], *truth["videos"])}

    async def requests(self) -> dict[str, int]:
        """How often the stand-in was asked what, by method and path."""
        answer = await self.client.get("/sandbox/requests")
        return dict(answer.json()["requests"])

    async def point_webhooks_at(self, url: str) -> None:
        answer = await self.client.patch(
            f"/v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}", json={"url": url}, headers=MANAGER
        )
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def stage(
    speed: float = 1000,
    knobs: Mapping[str, Any] | None = None,
    old_batches: int = 0,
    huge_bytes: int = 3_000_000,
    **options: Any,
) -> AsyncIterator[Stage]:
    """A sandbox whose webhooks come to a running service."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        RunningSandbox(SandboxSettings(0, speed, old_batches=old_batches, huge_bytes=huge_bytes)) as box,
        httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False, timeout=DEADLINE) as client,
        service(f"{box.url}/v1", knobs, **options) as running,
    ):
        on = Stage(box, running, client)
        await on.point_webhooks_at(f"{running.receiver_url}/webhooks/gateway")
        yield on


# A provider that answers as the test says


@dataclass(frozen=True)
class Asked:
    """One request as a provider saw it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def is_list(self) -> bool:
        """A question about all jobs at once."""
        return self.method == "GET" and self.target.split("?")[0].endswith("/batches")

    @property
    def job_id(self) -> str:
        """Of a question about a job, or about the cancelling of one; "" of any other."""
        parts = self.target.split("?")[0].split("/")
        return next((parts[parts.index(tree) + 1] for tree in ("batches", "videos") if tree in parts[:-1]), "")


Said = bytes | AsyncIterator[bytes]
Script = Callable[[Asked], Said | Awaitable[Said]]


class Provider:
    """Answers every request with the bytes that the script gives, whole or piece by piece, and remembers what was asked.

    Questions for its list are left to the script only if it `has_list`; else the list is empty, and they are not remembered.
    """

    def __init__(self, script: Script, has_list: bool = False) -> None:
        self.script = script
        self.has_list = has_list
        self.asked: list[Asked] = []
        self.url = ""
        self._open: set[asyncio.Task[Any]] = set()

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def lists(self) -> list[Asked]:
        """The questions about all jobs at once."""
        return [asked for asked in self.asked if asked.is_list]

    def about(self, job_id: str) -> list[Asked]:
        """The status questions about one job."""
        return [asked for asked in self.asked if asked.method == "GET" and asked.job_id == job_id]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Provider"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side had enough, or the test is over
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _read(reader)
        if asked.is_list and not self.has_list:
            writer.write(listed())
            await writer.drain()
            return
        self.asked.append(asked)
        said = self.script(asked)
        if inspect.isawaitable(said):
            said = await said
        if isinstance(said, bytes):
            writer.write(said)
            await writer.drain()
            return
        async for piece in said:
            writer.write(piece)
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, target, _ = head[0].split(" ", 2)
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, time.monotonic())


def said(body: Any = b"", status: int = 200, **headers: str) -> bytes:
    """One whole HTTP answer; anything but bytes goes as JSON. `retry_after=` becomes the header Retry-After."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(content)), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(head).encode("latin-1") + content


def batch(job_id: str, status: str = "in_progress", **more: Any) -> dict[str, Any]:
    """A batch as the gateway's REST shows it, without a webhook unless one is given."""
    lifecycle = {"in_progress": "running", "validating": "pending", "finalizing": "pending"}.get(status, status)
    done = 3 if status == "completed" else 0
    return {
        "id": job_id,
        "object": "batch",
        "status": status,
        "lifecycle_status": lifecycle,
        "created_at": int(time.time()),
        "output_file_id": f"file-of-{job_id}" if done else None,
        "error_file_id": None,
        "request_counts": {"total": 3, "completed": done, "failed": 0},
        "provider": "openai",
        **more,
    }


def listed(*entries: Mapping[str, Any]) -> bytes:
    """A page of the gateway's list."""
    return said({"object": "list", "data": list(entries), "has_more": False})


def account(*attempts: Mapping[str, Any]) -> dict[str, Any]:
    """The gateway's account of its deliveries to our endpoint."""
    return {"endpoint_id": DEFAULT_ENDPOINT_ID, "url": None, "has_secret": True, "attempts": list(attempts)}


ROW_OF_A_FILE = b'{"custom_id": "a", "response": {"status_code": 200, "body": {}}, "error": null}\n'


def file_of(asked: Asked) -> bytes | None:
    """The answer to a question about a file: it exists, and has one row. None when something else was asked about."""
    _, found, name = asked.target.partition("/files/")
    if name.endswith("/content"):
        return said(ROW_OF_A_FILE)
    return said({"id": name, "object": "file", "bytes": len(ROW_OF_A_FILE)}) if found else None


# Deliveries, signed here and not by the product


def event(job_id: str, status: str, phase: str | None = None, kind: str = "batch", **data: Any) -> bytes:
    """The body of a webhook about a job."""
    key = f"{kind}.{phase or status}"
    document = {
        "id": f"evt_{kind}_{job_id}_{key}".replace(".", "_"),
        "type": key.partition(":")[0],
        "created_at": int(time.time()),
        "delivery": {"key": key, "attempt": 1, "max_attempts": 4},
        "data": {"id": job_id, "object": kind, "kind": kind, "status": status, **data},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()
    return {"content-type": "application/json", "x-phaseo-timestamp": timestamp, "x-phaseo-signature": digest}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of this process, for a while."""
    from unittest.mock import patch

    with patch.dict(os.environ, variables):
        yield
