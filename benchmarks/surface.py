"""
How long the operators' surface takes to answer on a store with a month of work in it: every listing in every documented
combination of filters, every thing by its id, every page of the dashboard, as whoever is signed in sees it. What streams, as the
dashboard's events do, is left out: it ends when the browser goes.

    make surface SURFACE="[--jobs 1000000] [--deliveries 5000000] [--times 200]"

One request after the other over one connection, on SQLite and on a PostgreSQL beside it, which shares the machine's cores. The
baseline of the same run is /livez, which reads nothing. Half of the listings go on after some row, as of somebody who looks far
back. What lies beyond what is acceptable makes the exit code 1.
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

import httpx
import uvloop
from postgresql_server import NoServer, Server, start

from benchmarks import load
from benchmarks.filled import SOURCES, Size, fill_now
from benchmarks.receive import database
from operators.dashboard.charts import SPANS
from operators.dashboard.lists import PAGES
from operators.filters import NOUNS, Noun
from schemas.ids import shown

TOKEN = "0123456789abcdef0123456789abcdef"
ACCEPTABLE_MS = 10.0
EACH = 20  # different requests of a sort
FIRST = 10  # asked before it is measured: the first of a sort has its statements and its page compiled
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
            found[called] = [f"/api/v1/{noun.name}?{_query(noun, names, size, chance)}" for _ in range(EACH)]
    for called, path in _things(size, chance).items():
        found[f"one of {called}"] = [f"/api/v1{one}" for one in path]
    for path in (
        "/api/v1/sources",
        "/api/v1/sources/source_1",
        "/api/v1/status",
        "/metrics",
        "/healthz",
        "/openapi.json",
    ):
        found[path] = [path]
    return {**found, **_pages(size, chance)}


def _things(size: Size, chance: random.Random) -> dict[str, list[str]]:
    """Every noun's things by their ids."""
    numbers = [chance.randrange(size.jobs) // 1_000 * 1_000 for _ in range(EACH)]  # the others of a thousand lie behind
    members = [number + chance.randrange(5) for number in numbers]
    jobs = [size.job(chance.randrange(size.jobs)) for _ in range(EACH)]
    return {
        "jobs": [f"/jobs/{shown('job', job)}" for job in jobs],
        "jobs, explained": [f"/jobs/{shown('job', job)}/explain" for job in jobs],
        "jobs, by the provider's id": [f"/jobs/batch_{10_000_000 + number}" for number in numbers],
        "deliveries": [f"/deliveries/{shown('dlv', job + 10)}" for job in jobs],
        "receipts": [f"/receipts/{shown('rcp', job + 11)}" for job in jobs],
        "failures": [f"/failures/{shown('fail', size.job(number + 5) + 3)}" for number in numbers],
        "refusals": [f"/refusals/{shown('ref', size.job(number + 7) + 6)}" for number in numbers],
        "groups": [f"/groups/{shown('grp', size.group(number))}" for number in members],
        "groups, the largest": [f"/groups/{shown('grp', size.group(0))}"],
        "submissions": [f"/submissions/{shown('sub', size.job(number) + 8)}" for number in members],
        "handoffs": [f"/handoffs/{shown('hnd', size.job(number + 3) + 4)}" for number in numbers],
        "actions": [f"/actions/{shown('act', size.job(number + 6) + 5)}" for number in numbers],
    }


def _pages(size: Size, chance: random.Random) -> dict[str, list[str]]:
    """The dashboard's, each with its usual filters."""
    things = _things(size, chance)
    found = {f"page of {called}": things[called] for called in ("jobs", "groups", "groups, the largest", "handoffs")}
    for page in PAGES:
        noun = page.noun
        for names in (one for one in noun.combinations if len(one) <= 1):
            called = f"page {noun.name} {'+'.join(names) or '(all)'}"
            found[called] = [f"/{noun.name}?{_query(noun, names, size, chance)}" for _ in range(EACH)]
    for span in SPANS:
        found[f"page home, {span}"] = [f"/?span={span}"]
    found["page to act on a job"] = [f"/act/cancel/{one.removeprefix('/jobs/')}" for one in things["jobs"]]
    for path in ("/sources", "/sources/source_1", "/help/failures", "/signin"):
        found[f"page {path}"] = [path]
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
        "group": shown("grp", size.group(number // 50 * 50)),
    }
    given = {name: values.get(name) or noun.words(name)[0] for name in names}
    if not names & {"job", "job_id", "delivery", "group", "job_id_prefix"} and chance.random() < 0.5:
        given["cursor"] = shown(noun.prefix, size.job(number))
    return "&".join(f"{name}={value}" for name, value in sorted(given.items()))


def request(path: str, session: str = "") -> bytes:
    fields = f"authorization: Bearer {TOKEN}\r\ncookie: {session}\r\n"
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{fields}\r\n".encode()


def signed_in(port: int) -> str:
    """The cookie of a session, as the form that asks for the token gives it."""
    answer = httpx.post(f"http://127.0.0.1:{port}/signin", data={"token": TOKEN}, trust_env=False)
    (session,) = answer.cookies.items()
    return "=".join(session)


def measure(url: str, size: Size, times: int, folder: Path) -> dict[str, load.Measured]:
    with serving(folder, url) as port, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        session = signed_in(port)
        runs = {}
        for name, asked in {"/livez": ["/livez"], **paths(size)}.items():
            requests = [request(asked[number % len(asked)], session) for number in range(FIRST + times)]
            runner.run(load.run(port, iter(requests[:FIRST]), 1, 600))
            runs[name] = runner.run(load.run(port, iter(requests[FIRST:]), 1, 600))
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
