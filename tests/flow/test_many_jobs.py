"""A hundred thousand open jobs: what a round costs follows what is due, and memory does not follow what exists."""

import asyncio
import tracemalloc
from pathlib import Path

import pytest
import structlog
from service import Asked, Provider, SourceAt, batch, file_of, read_config, reconciling, said, until, write_config
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from operators.clock import now
from operators.store import opened
from reconciler.daemon import Reconciler
from schemas.times import HOUR
from storage.store import Store

pytestmark = pytest.mark.both_stores

MANY = 100_000
PACE = {"poll_seconds": 3600, "poll_cap_seconds": 3600, "first_poll_seconds": 3600, "concurrency": 4}
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})",
    "postgresql": "WITH numbers AS (SELECT generate_series(1, {count}) AS n)",
}


async def put(connection: AsyncConnection, name: str, count: int, due_at: int) -> None:
    """Open jobs of one source, as they are when they have been asked about before."""
    numbers = _NUMBERS[connection.dialect.name].format(count=count)
    first = (hash(name) & 0xFFFF) << 32
    columns = "id, source, kind, job_id, origin, status, has_webhook, created_at, updated_at, due_at, asks, answered_at"
    values = f"{first} + n, 'gateway', 'batch', '{name}_' || n, 'submit', 'running', 0, :now, :now, :due, 1, :now"
    statement = f"INSERT INTO jobs ({columns}) {numbers} SELECT {values} FROM numbers"  # noqa: S608
    await connection.execute(text(statement), {"now": now(), "due": due_at})


def script(asked: Asked) -> bytes:
    return file_of(asked) or said(batch(asked.job_id, "completed", output_file_id=None))


async def statements_and_memory(store: Store, reconciler: Reconciler, done: int, provider: Provider) -> tuple[int, int]:
    """How many statements it took, and how many bytes at most, until so many jobs had been asked about."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    engines = [engine.sync_engine for engine in (store._writer, store._reader)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    tracemalloc.start()
    async with reconciling(reconciler):

        async def asked() -> bool:
            return len({one.job_id for one in provider.asked}) >= done

        await until(asked, f"{done} jobs to be asked about")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    return count, most


@pytest.mark.parametrize("due", ["a few", "all"])
def test_cost_follows_what_is_due(tmp_path: Path, due: str) -> None:
    """F36: with 100,000 open jobs, of which forty are due or all of them, forty are asked about at the cost of forty."""

    async def flow() -> None:
        costs = []
        for exist in (40, MANY):
            async with Provider(script).listening() as provider:
                more = {"adopt": "none", "webhook": "none"}
                path, environ = write_config(tmp_path, {"gateway": SourceAt(provider.base_url, more)}, PACE)
                config = read_config(path, environ)
                async with opened(config, migrate=True) as store:
                    async with store.writing() as connection:
                        await put(connection, f"idle{exist}", exist, now() + (HOUR if due == "a few" else 0))
                        await put(connection, f"due{exist}", 40, now())
                    costs.append(await statements_and_memory(store, Reconciler(config, store, now), 40, provider))
        (few, _), (many, most) = costs
        assert many < 3 * few + 200
        assert most < 24_000_000

    with structlog.testing.capture_logs():
        asyncio.run(flow())
