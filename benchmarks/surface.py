"""
How long the operators' surface takes to answer on a store with a month of work in it: every listing in every documented
combination of filters, every thing by its id, every page.

    make surface SURFACE="[--jobs 1000000] [--deliveries 5000000] [--times 200]"

One request after the other over one connection, on SQLite and on a PostgreSQL beside it, which shares the machine's cores. The
baseline of the same run is /livez, which reads nothing. Half of the listings go on after some row, as of somebody who looks far
back.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from postgresql_server import NoServer, Server, start

from benchmarks import load
from benchmarks.filled import SOURCES, Size, fill_now
from benchmarks.receive import database
from operators.filters import NOUNS, Noun
from schemas.ids import shown

TOKEN = "0123456789abcdef0123456789abcdef"
ACCEPTABLE_MS = 10.0
VALUES = {
    "kind": "video",
    "label": "team=search",
    "target": "down",
    "category": "execution",
    "code": "failed",
    "reason": "timestamp_stale",
}


@contextmanager
def serving(folder: Path, url: str) -> Iterator[int]:
    """The operators' app in a process of its own; the value is its port."""
    command = [sys.executable, "-m", "benchmarks.servers", "operators", str(folder), url]
    environ = {**os.environ, "BENCH_SECRET": "not used, nothing is received", "BENCH_TOKEN": TOKEN}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ)
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        process.stdout.close()


def paths(size: Size) -> Mapping[str, list[str]]:
    """What is asked, by name: each several times, about another job or place each time."""
    chance = random.Random(7)
    found: dict[str, list[str]] = {}
    for noun in NOUNS.values():
        for names in noun.combinations:
            called = f"{noun.name} {'+'.join(sorted(names)) or '(all)'}"
            found[called] = [f"/api/v1/{noun.name}?{_query(noun, names, size, chance)}" for _ in range(20)]
    jobs = [shown("job", size.job(chance.randrange(size.jobs))) for _ in range(20)]
    found["one job"] = [f"/api/v1/jobs/{job}" for job in jobs]
    found["explain"] = [f"/api/v1/jobs/{job}/explain" for job in jobs]
    for path in ("/api/v1/sources", "/api/v1/status", "/metrics", "/healthz"):
        found[path] = [path]
    return found


def _query(noun: Noun, names: frozenset[str], size: Size, chance: random.Random) -> str:
    number = chance.randrange(size.jobs)
    values = {
        **VALUES,
        "source": f"source_{number % SOURCES}",
        "job": shown("job", size.job(number)),
        "job_id": f"batch_{10_000_000 + number}",
        "job_id_prefix": f"batch_{(10_000_000 + number) // 1_000}",
        "delivery": shown("dlv", size.job(number) + 10),
        "status": chance.choice(["failed", "completed", "running"]),
        "group": shown("grp", 1),
    }
    given = {name: values.get(name) or noun.words(name)[0] for name in names}
    if not names & {"job", "job_id", "delivery", "group", "job_id_prefix"} and chance.random() < 0.5:
        given["cursor"] = shown(noun.prefix, size.job(number))
    return "&".join(f"{name}={value}" for name, value in sorted(given.items()))


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()


def measure(url: str, size: Size, times: int, folder: Path) -> dict[str, load.Measured]:
    with serving(folder, url) as port, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runs = {}
        for name, asked in {"/livez": ["/livez"], **paths(size)}.items():
            requests = [request(asked[number % len(asked)]) for number in range(times)]
            runs[name] = runner.run(load.run(port, iter(requests), 1, 600))
        return runs


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, default=1_000_000)
    options.add_argument("--deliveries", type=int, default=5_000_000)
    options.add_argument("--times", type=int, default=200, help="how often each is asked")
    options.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"])
    chosen = options.parse_args()
    with ExitStack() as stack:
        server = _server(stack) if "postgresql" in chosen.stores else None
        good = True
        for what in chosen.stores:
            if what == "postgresql" and server is None:
                continue
            with tempfile.TemporaryDirectory() as folder, database(what, folder, server) as url:
                began = time.perf_counter()
                size = fill_now(url, chosen.jobs, chosen.deliveries)
                print(
                    f"{what}: {size.jobs} jobs, {size.jobs * size.each} deliveries, made in {time.perf_counter() - began:.0f} s"
                )
                good = told(measure(url, size, chosen.times, Path(folder))) and good
    return 0 if good else 1


def _server(stack: ExitStack) -> Server | None:
    try:
        return stack.enter_context(start(durable=True))
    except NoServer as error:
        print(f"PostgreSQL IS NOT MEASURED: {error}")
        return None


def told(runs: dict[str, load.Measured]) -> bool:
    """Print every figure, the slowest first. Whether all were answered well, and within what is acceptable."""
    bare = runs["/livez"].percentile(0.5)
    print(f"{'':<44}{'p50 ms':>9}{'p99 ms':>9}{'p50/livez':>11}   answers")
    slowest = sorted(runs.items(), key=lambda item: item[1].percentile(0.99), reverse=True)
    for name, run in slowest:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(run.statuses.items()))
        middle, most = run.percentile(0.5) * 1_000, run.percentile(0.99) * 1_000
        print(f"{name:<44}{middle:>9.1f}{most:>9.1f}{run.percentile(0.5) / bare:>11.1f}   {answers}")
    over = [name for name, run in runs.items() if run.percentile(0.99) * 1_000 > ACCEPTABLE_MS]
    print(f"{len(over)} of {len(runs)} took more than {ACCEPTABLE_MS:g} ms at p99")
    return not over and all(set(run.statuses) == {200} for run in runs.values())


if __name__ == "__main__":
    sys.exit(main())
