"""batchkeeper as it runs: receiver application, ledger, store and reconciler in virtual time, in front of a modelled provider."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from unittest.mock import patch

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.known import Known
from benchmarks.lives import Event, Life
from benchmarks.provider import BASE_URL, ENDPOINT_ID, EPOCH, Provider
from benchmarks.virtual import running_loop
from operators import acts
from receiver.app import build_app
from reconciler import daemon, keeping
from schemas.config import Config, Database, Secret, Source
from schemas.config import Reconciler as Knobs
from schemas.dialects.phaseo import Phaseo
from schemas.tables import JobRow
from schemas.times import SECOND
from storage import jobs, schema
from storage.engine import Engine
from storage.ledger import Ledger
from storage.sqlite import engine as sqlite_engine
from storage.store import Store, engine_for

NAME = "gateway"
SECRET = "whsec_for_a_simulation_in_memory_only"
# Renewing a lease has nothing to do with what is measured, and would cost a commit every five seconds.
KNOBS = Knobs(lease_seconds=3599)
# The product looks every second, and at the file five times a second, whether something came of which it was not told.
# Here it is told of everything, and hours of such looks would take minutes.
REST_SECONDS = 60.0
LOOK_SECONDS = 60.0
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
FOLDERS_IN = MEMORY if MEMORY.is_dir() else None  # a disk would only make it slower
PATIENCE_SECONDS = 4 * 3600.0  # for all jobs to settle after the last one's end


Clock = Callable[[], int]


def clock() -> Clock:
    """Microseconds since 1970, in the running loop's virtual time. Any thread may ask."""
    loop = running_loop()
    return lambda: int((EPOCH + loop.time()) * SECOND)


class VirtualStore(Store):
    """The store, whose threads take no virtual time, and which nobody else waits for."""

    def __init__(self, engine: Engine, now: Clock) -> None:
        super().__init__(engine, now)
        self._turns = None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        with running_loop().standing_still():
            async with super().writing() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        with running_loop().standing_still():
            async with super().reading() as connection:
                yield connection

    async def close(self) -> None:
        with running_loop().standing_still():
            await super().close()


@dataclass
class Service:
    """What runs, and what happens to it."""

    config: Config
    store: Store
    reconciler: daemon.Reconciler
    provider: Provider
    receiver: httpx.AsyncClient
    now: Clock

    async def track(self, life: Life) -> None:
        """Whoever created the job tells us of it."""
        await _until(life.created_at)
        async with self.store.writing() as connection:
            await acts.track(connection, self.config, NAME, "batch", life.job_id, self.store.new_id, self.now())
        self.reconciler.wake()

    async def deliver(self, life: Life, event: Event) -> None:
        """Send one webhook, or lose it."""
        if event.is_lost(self.provider.loss):
            return
        await _until(event.at + event.delay)
        word, key = _said(life, event)
        phaseo, at = Phaseo(), self.now()
        signed = phaseo.sign(SECRET.encode(), phaseo.sample(key, life.job_id, word, BASE_URL, at), at)
        with running_loop().standing_still():
            answer = await self.receiver.post(f"/webhooks/{NAME}", content=signed.body, headers=dict(signed.headers))
        assert answer.status_code == 202, answer.text
        self.provider.delivered(life.job_id, key, answer.status_code, answer.text)

    async def settled(self, lives: Sequence[Life]) -> list[JobRow]:
        """Every job once it is settled, or as it is when that takes too long."""
        identities = [("batch", life.job_id) for life in lives]
        latest = max(life.ended_at for life in lives) + PATIENCE_SECONDS
        while True:
            async with self.store.reading() as connection:
                rows = await jobs.by_identities(connection, NAME, identities)
            if all(row.settled_at is not None and row.due_at is None for row in rows) or _seconds() > latest:
                return rows
            await asyncio.sleep(LOOK_SECONDS)


async def keep(provider: Provider, lives: Sequence[Life], seed: int, knobs: Knobs = KNOBS) -> Known:
    """Let the service live through these lives, until every job is settled."""
    with tempfile.TemporaryDirectory(prefix="simulate-", dir=FOLDERS_IN) as folder:
        async with _running(_config(Path(folder), knobs), provider, seed) as service:
            async with asyncio.TaskGroup() as happening:
                for life in lives:
                    happening.create_task(service.track(life))
                    for event in life.events:
                        happening.create_task(service.deliver(life, event))
            rows = await service.settled(lives)
    ended = [(row.job_id, row.status, row.ended_at) for row in rows if row.ended_at is not None]
    return Known({job: at / SECOND - EPOCH for job, _, at in ended}, {job: status for job, status, _ in ended})


@asynccontextmanager
async def _running(config: Config, provider: Provider, seed: int) -> AsyncIterator[Service]:
    now = clock()
    store = VirtualStore(engine_for(config.database.url), now)
    await schema.migrate(store)
    jitter = Random(f"jitter:{seed}").random
    reconciler = daemon.Reconciler(config, store, now, jitter, provider.transport)
    ledger = Ledger(store.engine, store.new_id, on_commit=reconciler.wake)
    await ledger.start()
    app = build_app(config, ledger, now, store)
    at_work = asyncio.create_task(reconciler.run())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
    try:
        with (
            patch.object(keeping, "LONGEST_REST", REST_SECONDS),
            patch.object(sqlite_engine, "INTERVAL_SECONDS", REST_SECONDS),
        ):
            async with client as receiver:
                yield Service(config, store, reconciler, provider, receiver, now)
    finally:
        at_work.cancel()
        await asyncio.gather(at_work, return_exceptions=True)
        app.close()
        await ledger.close()
        await store.close()


def _config(folder: Path, knobs: Knobs) -> Config:
    """The defaults, and one source with those of its dialect."""
    defaults = Phaseo.defaults
    source = Source(
        name=NAME,
        dialect="phaseo",
        base_url=BASE_URL,
        api_key=Secret("the modelled provider asks for none"),
        webhook_secrets=(Secret(SECRET),),
        webhook_endpoint_id=ENDPOINT_ID,
        tolerance_seconds=defaults.tolerance_seconds,
        delivery_window_seconds=defaults.delivery_window_seconds,
        webhook_events=defaults.webhook_events,
    )
    database = Database(url=f"sqlite:///{folder / 'ledger.db'}")
    return Config(path=folder / "none.toml", database=database, reconciler=knobs, sources={NAME: source})


def _said(life: Life, event: Event) -> tuple[str, str]:
    """The native status and the delivery key that a webhook carries."""
    if event.progress < 100:
        return "in_progress", f"batch.progress:{event.progress}"
    return life.end, f"batch.{life.end}"


async def _until(at: float) -> None:
    await asyncio.sleep(at - _seconds())


def _seconds() -> float:
    return asyncio.get_running_loop().time()
