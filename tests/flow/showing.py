"""The operators' app over a socket, with a store that a test has filled: what the dashboard's tests look at."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text
from starlette.applications import Starlette
from stores import DATABASE

from operators.app import build_app
from operators.clock import now
from schemas.config import Config, Database, Operators, Secret, Source
from schemas.config.model import Handoff
from schemas.dialects.phaseo import Phaseo
from schemas.ids import first_at, shown
from schemas.tables import (
    DeliveryRow,
    HandoffRow,
    JobRow,
    ObservationRow,
    ReceiptRow,
    RefusalRow,
    SubmissionRow,
    TransitionRow,
)
from schemas.times import HOUR, MINUTE
from schemas.words import Origin
from storage import counting, failures, findings, handoffs, jobs, leases, schema, submissions
from storage.failures import Named
from storage.findings import Found
from storage.observations import details
from storage.rows import add
from storage.store import Store, engine_for

ACTING, LOOKING = "acting-token-0123456789abcdef0123", "looking-token-0123456789abcdef012"
HOSTILE = '<script>alert("x")</script> \u202egnp.exe\u2066 \x1b[31mred\x1b[0m \'"><img src=x onerror=alert(1)>'
LONG = "batch_" + "x" * 250
OPEN = ("running", "pending", "paused", "unknown")

Fill = Callable[["Filled"], Awaitable[None]]


class Unsignalled(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def a_config(home: Path, **operators: Any) -> Config:
    """One source at a provider that nobody asks, one target, and both tokens."""
    defaults = Phaseo.defaults
    source = Source(
        name="gateway",
        dialect="phaseo",
        base_url="http://127.0.0.1:1/v1",
        api_key=Secret("key" * 8),
        webhook_secrets=(Secret("secret" * 8),),
        tolerance_seconds=defaults.tolerance_seconds,
        delivery_window_seconds=defaults.delivery_window_seconds,
        webhook_events=defaults.webhook_events,
    )
    tokens = {"token": Secret(ACTING), "read_token": Secret(LOOKING), **operators}
    return Config(
        path=home / "batchkeeper.toml",
        database=Database(url=DATABASE.get() or f"sqlite:///{home / 'ledger.db'}"),
        operators=Operators(port=0, **tokens),
        sources={"gateway": source},
        handoffs={"downstream": Handoff(name="downstream", type="command", command=("true",))},
    )


@dataclass
class Filled:
    """A store, and what a test puts in, at the times that it names (microseconds)."""

    store: Store
    now: int
    jobs: dict[str, JobRow] = field(default_factory=dict)
    made: int = 0

    def new_id(self, at: int) -> int:
        """An id such as it would have been made at that time."""
        self.made += 1
        return first_at(at) + self.made

    async def job(self, job_id: str, status: str = "running", ago: int = HOUR, **columns: Any) -> JobRow:
        """A job as it would be had it come to its status `ago`; with a lease on its source, so that somebody asks."""
        at = self.now - ago
        number = self.new_id(at)
        async with self.store.writing() as connection:
            born = await jobs.bear(connection, number, ("gateway", "batch", job_id), Origin.SUBMIT, at)
            ended = {} if status in OPEN else {"ended_at": at, "ready_at": at, "settled_at": at, "due_at": None}
            answered = {"answered_at": self.now - MINUTE, "asks": 2, "has_webhook": 1, "basis": "observed"}
            changes = {"status": status, "native_status": status, **answered, **ended, **columns}
            await jobs.change(connection, born.id, changes, at)
            if status != "unknown":
                await counting.count(connection, "gateway", {f"moved.unknown.{status}": 1}, at)
            found = await jobs.get(connection, born.id)
        assert found is not None
        self.jobs[job_id] = found
        return found

    async def submission(self, state: str = "stored", ago: int = MINUTE, **columns: Any) -> str:
        """What was submitted `ago` and became no job; its id."""
        at = self.now - ago
        number = self.new_id(at)
        told = {"source": "gateway", "state": state, "input_name": "rows.jsonl", "input_sha256": "", **columns}
        counts = {"input_bytes": 2000, "row_count": 8, "created_at": at, "updated_at": at}
        async with self.store.writing() as connection:
            await submissions.store(connection, SubmissionRow(**{"id": number, **counts, **told}))
        return shown("sub", number)

    async def failure(self, job: JobRow, category: str, code: str, message: str, **evidence: Any) -> None:
        async with self.store.writing() as connection:
            named = [Named(category, code, "", message, evidence)]
            await failures.sync(connection, job, named, self.store.new_id, self.now - 10 * MINUTE)

    async def answer(self, job: JobRow, ago: int, status: str | None = "running", **columns: Any) -> int:
        """What the provider answered to a poll."""
        at, told = self.now - ago, columns.pop("told", {})
        number = self.new_id(at)
        row = ObservationRow(
            id=number,
            job=job.id,
            asked="poll",
            status=status,
            native_status=status,
            http_status=200,
            first_seen_at=at,
            last_seen_at=at,
            details=details(told),
        )
        async with self.store.writing() as connection:
            await add(connection, row.model_copy(update=columns))
        return number

    async def moved(self, job: JobRow, before: str, after: str, ago: int, observation: int) -> None:
        row = TransitionRow(
            id=self.new_id(self.now - ago),
            job=job.id,
            revision=1,
            from_status=before,
            to_status=after,
            basis="observed",
            observation=observation,
            at=self.now - ago,
        )
        async with self.store.writing() as connection:
            await add(connection, row)

    async def webhook(self, job: JobRow, key: str, status: str, ago: int, verdict: str = "agrees") -> str:
        """A delivery that was received once; its receipt's id."""
        at = self.now - ago
        delivery, receipt = self.new_id(at), self.new_id(at)
        identity = {"source": job.source, "kind": job.kind, "job_id": job.job_id, "delivery_key": key}
        told = {"reported_status": status, "verdict": verdict, "event_type": key}
        async with self.store.writing() as connection:
            times = {"first_received_at": at, "last_received_at": at}
            await add(connection, DeliveryRow(id=delivery, **identity, **told, **times))
            row = ReceiptRow(id=receipt, delivery_id=delivery, body_id=receipt, source=job.source, digest=1, attempt=1)
            more = {**told, "received_at": at, "event_id": f"evt_{job.job_id[:20]}", "native_status": status}
            await add(connection, row.model_copy(update=more))
            await counting.count(connection, job.source, {"accepted": 1}, at)
        return shown("rcp", receipt)

    async def refusal(self, reason: str, ago: int) -> None:
        at = self.now - ago
        row = RefusalRow(id=self.new_id(at), source="gateway", reason=reason, http_status=401, received_at=at)
        async with self.store.writing() as connection:
            await add(connection, row.model_copy(update={"remote": "203.0.113.9", "body_bytes": 412}))
            await counting.count(connection, "gateway", {f"refused.{reason}": 1}, at)

    async def finding(self, rule: str, message: str) -> None:
        """What has stood against the source for ten minutes."""
        async with self.store.writing() as connection:
            rows = await findings.of_source(connection, "gateway")
            stand = [Found(row.rule, row.subject, row.message, []) for row in rows]
            found = [*stand, Found(rule, "", message, [])]
            await findings.sync(connection, "gateway", found, self.store.new_id, self.now - 10 * MINUTE)

    async def handoff(self, job: JobRow, state: str = "done", **columns: Any) -> str:
        """What downstream was told of a job; its id."""
        number = self.new_id(self.now - MINUTE)
        event = {"type": "batchkeeper.job.ready", "subject": f"{job.source}/{job.job_id}", "id": shown("hnd", number)}
        row = HandoffRow(
            id=number,
            about="job",
            subject=job.id,
            source=job.source,
            target="downstream",
            revision=1,
            event=json.dumps(event),
            state=state,
            made_at=self.now - MINUTE,
        )
        async with self.store.writing() as connection:
            await handoffs.put(connection, row.model_copy(update=columns))
        return shown("hnd", number)

    async def owned(self) -> None:
        """A reconciler is at work for the source."""
        async with self.store.writing() as connection:
            clock = self.store.engine.lease_clock(self.now)
            assert await leases.acquire(connection, "source:gateway", "somebody", HOUR, clock)


@dataclass
class Shown:
    """The app that runs. `config` may be exchanged, as a reload does."""

    url: str
    store: Store
    config: Config
    filled: Filled
    end_streams: Callable[[], None] = lambda: None

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody's browser, as far as httpx is one: it keeps cookies, and follows nothing by itself."""
        async with httpx.AsyncClient(trust_env=False, base_url=self.url, timeout=30, **options) as client:
            yield client

    @contextlib.asynccontextmanager
    async def signed_in(self, token: str = ACTING) -> AsyncIterator[httpx.AsyncClient]:
        async with self.client() as client:
            answer = await client.post("/signin", data={"token": token})
            assert answer.status_code == 303, answer.text
            yield client


@contextlib.asynccontextmanager
async def showing(home: Path, fill: Fill | None = None, **operators: Any) -> AsyncIterator[Shown]:
    """The operators' app, behind its own server."""
    config = a_config(home, **operators)
    store = Store(engine_for(config.database.url), now)
    try:
        await schema.migrate(store)
        filled = Filled(store, now())
        if fill is not None:
            await fill(filled)
        shown_ = Shown("", store, config, filled)
        app = build_app(lambda: shown_.config, store, now)
        shown_.end_streams = app.state.end_streams
        async with served(app) as shown_.url:
            yield shown_
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """An app behind a server of its own; its URL."""
    # Its protocol named, as in the service: asyncio spares only such sockets the wait for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = Unsignalled(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def seal_of(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """The hidden fields of the form on a page."""
    page = (await client.get(path)).text
    found = {}
    for name in ("seal", "once"):
        _, there, rest = page.rpartition(f'name="{name}" value="')
        if there:
            found[name] = rest.partition('"')[0]
    return found


async def a_busy_week(filled: Filled) -> None:
    """Many jobs: most are done, some are open, each kind of trouble is there, and one is late."""
    await filled.owned()
    for number in range(70):
        status = ("completed", "completed", "completed", "running", "completed", "pending", "completed")[number % 7]
        job = await filled.job(f"batch_01K2XYZ3ABCDEFGH{number:010d}", status, number * 20 * MINUTE, progress=number)
        if status == "completed":
            await filled.webhook(job, "batch.completed", "completed", number * 20 * MINUTE)
            await filled.handoff(job)
    failed = await filled.job("batch_failed_by_itself", "failed", 2 * HOUR, error_code="model_overloaded")
    await filled.failure(failed, "execution", "failed", "the provider says that the job failed: model_overloaded")
    some = await filled.job("batch_with_failed_rows", "completed", 3 * HOUR)
    await filled.failure(some, "execution", "rows_failed", "3 of 120 rows failed")
    stuck = await filled.job("batch_not_cancelled", "running", 5 * HOUR)
    await filled.failure(
        stuck, "cancellation", "stuck", "the cancel was accepted 40 min ago, and the job is still running"
    )
    asked = await filled.job("batch_cancelled_as_asked", "cancelled", 4 * HOUR)
    await filled.failure(asked, "cancellation", "cancelled_by_operator", "cancelled, as an operator asked")
    unheard = await filled.job("batch_unheard", "completed", 6 * HOUR)
    await filled.failure(unheard, "delivery", "rejected", "the provider tried 4 times, got HTTP 401, and gave up")
    for number in range(9):
        await filled.refusal("signature_wrong", number * 5 * MINUTE)
    dead = await filled.job("batch_not_handed_on", "completed", 7 * HOUR)
    await filled.handoff(dead, "dead", attempts=12, message="HTTP 500", http_status=500, tried_at=filled.now)
    await a_late_job(filled)


async def a_late_job(filled: Filled) -> None:
    """Our questions about it are answered with errors of the provider's upstream, so nobody knows its end."""
    await filled.owned()
    trouble = {
        "trouble": "upstream",
        "trouble_message": "HTTP 503 from the system behind the provider",
        "trouble_since": filled.now - 2 * HOUR,
        "failed_asks": 9,
    }
    late = await filled.job(
        "batch_late", "running", 30 * HOUR, progress=80, rows_total=100, rows_completed=80, **trouble
    )
    seen = await filled.answer(late, 29 * HOUR, told={"request_id": "req_7", "metadata": {"team": "search"}})
    await filled.moved(late, "unknown", "running", 29 * HOUR, seen)
    await filled.answer(late, 2 * HOUR, None, trouble="upstream", message="HTTP 503", http_status=503, times_seen=9)
    await filled.webhook(late, "batch.in_progress", "running", 28 * HOUR)


async def a_hostile_job(filled: Filled) -> None:
    """Whatever a provider may write is written, wherever it can be."""
    await filled.owned()
    job = await filled.job(
        LONG, "failed", HOUR, error_code=HOSTILE, error_message=HOSTILE, polling_url=f"javascript:{HOSTILE}"
    )
    await filled.failure(job, "execution", "failed", HOSTILE, said=HOSTILE)
    told = {"metadata": {HOSTILE: HOSTILE, "long": "y" * 3000}, "request_id": HOSTILE, "model": HOSTILE}
    await filled.answer(job, HOUR, "failed", message=HOSTILE, told=told)
    await filled.webhook(job, "batch.failed", HOSTILE, HOUR, "conflict")
    await filled.handoff(job, "dead", message=HOSTILE)


async def spoil(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(text("ALTER TABLE jobs RENAME TO spoilt"))
