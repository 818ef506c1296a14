"""
How many deliveries a second the receiver puts on disk, beside a bare Starlette endpoint that only reads the same body.

    make bench BENCH="[--seconds 4] [--rounds 2] [--connections 64]"

Each runs in a process of its own under uvicorn with uvloop and httptools, on loopback, and gets the same requests from the same
load generator: signed deliveries of about 3 KB, each of another job. What the receiver has answered is synced to disk, by
SQLite or by a PostgreSQL beside it, which shares the machine's cores with all the others.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from postgresql_server import NoServer, Server, start

from benchmarks import load
from schemas.dialects.phaseo import Phaseo

SECRET = "whsec_for_a_benchmark_on_loopback_only"
BASE_URL = "https://gateway.example/v1"
MOST_A_SECOND = 15_000  # more than this and the requests run out before the time does, which does no harm


def body(job: int) -> bytes:
    """A delivery as the gateway sends it, of about 3 KB."""
    job_id = f"batch_01K2XYZ3{job:016d}"
    data = {
        "id": job_id,
        "object": "batch",
        "kind": "batch",
        "status": "completed",
        "lifecycle_status": "completed",
        "progress": 100,
        "request_id": f"G-01K2{job:012d}",
        "provider": "openai",
        "polling_url": f"{BASE_URL}/batches/{job_id}",
        "endpoint": "/v1/chat/completions",
        "output_file_id": f"file-{job:012d}",
        "request_counts": {"total": 300, "completed": 300, "failed": 0},
        "pricing_lines": [
            {"meter": f"tokens_{kind}", "quantity": 1_234_567 + job, "unit_price": "0.00000125", "amount": "1.543208"}
            for kind in ("input", "output", "cached_input", "reasoning", "audio_input", "audio_output") * 3
        ],
        "billing": {"currency": "usd", "settled_user_cost": "0.05", "state": "settled", "total_nanos": 50_000_000},
        "created_at": "2026-08-12T01:00:00.123456+00:00",
        "updated_at": "2026-08-12T01:40:00+00:00",
        "routing_diagnostics": {"candidates": ["openai", "azure", "together"], "note": "x" * 300},
    }
    document = {
        "id": f"evt_batch_{job_id}_batch_completed",
        "type": "batch.completed",
        "created_at": 1_786_500_000,
        "delivery": {"key": "batch.completed", "attempt": 1, "max_attempts": 4},
        "data": data,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def request(job: int, now: int) -> bytes:
    signed = Phaseo().sign(SECRET.encode(), body(job), now)
    fields = {"host": "127.0.0.1", **dict(signed.headers), "content-length": str(len(signed.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /webhooks/phaseo HTTP/1.1\r\n{head}\r\n".encode() + signed.body


@contextmanager
def serving(what: str, folder: Path, url: str) -> Iterator[int]:
    """A server in its own process; the value is its port."""
    command = [sys.executable, "-m", "benchmarks.servers", what, str(folder), url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "BENCH_SECRET": SECRET})
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        process.stdout.close()


@contextmanager
def database(what: str, folder: str, server: Server | None) -> Iterator[str]:
    """The URL of a fresh database."""
    if what != "postgresql" or server is None:
        yield f"sqlite:///{folder}/ledger.db"
        return
    with server.database() as url:
        yield url


def measure(what: str, server: Server | None, requests: list[bytes], connections: int, seconds: float) -> load.Measured:
    """One run against a fresh receiver with a fresh database, so that each request is of a job that it does not know."""
    with (
        tempfile.TemporaryDirectory() as folder,
        database(what, folder, server) as url,
        serving("bare" if what == "bare" else "durable", Path(folder), url) as port,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(load.run(port, iter(requests), connections, seconds))


def merged(runs: list[load.Measured]) -> load.Measured:
    whole = load.Measured(sum(run.seconds for run in runs), [one for run in runs for one in run.latencies])
    for run in runs:
        for status, count in run.statuses.items():
            whole.statuses[status] = whole.statuses.get(status, 0) + count
    return whole


def line(name: str, run: load.Measured) -> str:
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(run.statuses.items()))
    middle, most = run.percentile(0.5) * 1_000, run.percentile(0.99) * 1_000
    return f"{name:<32}{run.rate:>10.0f}{middle:>10.1f}{most:>10.1f}   {answers}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=4, help="how long each run lasts")
    options.add_argument("--rounds", type=int, default=2, help="runs of each kind, taken in turn")
    options.add_argument("--connections", type=int, default=64)
    chosen = options.parse_args()
    now = time.time_ns() // 1_000
    requests = [request(job, now) for job in range(int(chosen.seconds * MOST_A_SECOND))]
    with ExitStack() as stack:
        try:
            server = stack.enter_context(start(durable=True))
        except NoServer as error:
            print(f"PostgreSQL IS NOT MEASURED: {error}")
            server = None
        kinds = ["bare", "sqlite", *(["postgresql"] if server else [])]
        runs: dict[str, list[load.Measured]] = {what: [] for what in kinds}
        for _ in range(chosen.rounds):
            for what, done in runs.items():
                done.append(measure(what, server, requests, chosen.connections, chosen.seconds))
    return told({what: merged(done) for what, done in runs.items()}, chosen.connections)


def told(runs: dict[str, load.Measured], connections: int) -> int:
    bare = runs.pop("bare")
    print(f"{connections} connections, bodies of {len(body(0))} bytes, {os.cpu_count()} cores")
    print(f"{'':<32}{'a second':>10}{'p50 ms':>10}{'p99 ms':>10}   answers")
    print(line("bare Starlette endpoint", bare))
    for what, durable in runs.items():
        print(line(f"durable deliveries, {what}", durable))
    for what, durable in runs.items():
        print(f"durable / bare, {what}: {durable.rate / bare.rate:.2f}")
    return 0 if all(set(durable.statuses) == {202} for durable in runs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
