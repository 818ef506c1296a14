"""A service with a Thunderbit source beside the sandbox's stand-in, and somebody who has the source's secret."""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from providers import Beside, Thunderbit, beside
from service import secret_of, until
from submitted import made, store

from operators.clock import now
from operators.parts import parts_of
from operators.results import results
from operators.submitting import Submitted, Wishes
from storage.files import files_for

DISTILL, EXTRACT = "/batch/distill", "/batch/extract"
PARAMS: dict[str, dict[str, Any]] = {DISTILL: {}, EXTRACT: {"schema": {"name": {"type": "TEXT"}}}}
STEADY = {"lease_seconds": 3_600}  # for tests that set the reconciler's clock forward


@asynccontextmanager
async def thunderbit(speed: float = 60, switches: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[Beside]:
    async with beside(Thunderbit(), speed=speed, **more) as on:
        await switch(on, **(switches or {}))
        yield on


async def switch(on: Beside, **switches: Any) -> None:
    answer = await on.client.post("/thunderbit/sandbox/switches", json=switches)
    assert answer.status_code == 200, answer.text


async def deliver(on: Beside, job_id: str) -> None:
    """Have a job's true webhook sent once more."""
    answer = await on.client.post(f"/thunderbit/sandbox/deliver/{job_id}")
    assert answer.json()["outcome"] == "delivered", answer.text


async def theirs(on: Beside) -> list[dict[str, Any]]:
    """What the stand-in says of every job, in the order of their creation."""
    jobs: list[dict[str, Any]] = (await on.client.get("/thunderbit/sandbox/truth")).json()["jobs"]
    return jobs


async def submit(on: Beside, folder: Path, urls: Sequence[str], endpoint: str = DISTILL) -> Submitted:
    """Rows are called row-0 and so on."""
    path = folder / "pages.jsonl"
    rows = [{"custom_id": f"row-{number}", "url": url} for number, url in enumerate(urls)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return await store(on.service, path, Wishes(params=PARAMS[endpoint]), None, "thunderbit", endpoint)


async def one_job(on: Beside, folder: Path, scenario: str = "", count: int = 2) -> str:
    await switch(on, scenario=scenario)
    (job,) = await made(on.service, await submit(on, folder, pages(count)))
    return job.job_id


def pages(count: int) -> list[str]:
    return [f"https://shop.example/p/{number}" for number in range(count)]


def matched(view: dict[str, Any]) -> tuple[int, int, int, int]:
    match = view["row_match"]
    return match["asked"], match["succeeded"], match["failed"], match["missing"]


def body_about(job_id: str, status: str = "COMPLETED") -> bytes:
    told_ = {"id": job_id, "status": status, "total": 2, "completed": 2, "failed": 0}
    return json.dumps(told_ | {"completedAt": "2026-05-03T08:17:02Z"}, separators=(",", ":")).encode()


async def post(on: Beside, body: bytes, path: str = "", age: float = 0, **headers: str) -> httpx.Response:
    """A delivery of our own making, well signed by scheme v2 so many seconds ago, to the source's path or one below it."""
    stamp = str(int((time.time() - age) * 1_000))
    digest = hmac.new(secret_of("thunderbit").encode(), f"{stamp}.".encode() + body, sha256).digest()
    signed = {"x-webhook-timestamp": stamp, "x-webhook-signature": f"sha256={b64encode(digest).decode()}"}
    url = f"{on.service.receiver_url}/webhooks/thunderbit{path}"
    return await on.service.client.post(url, content=body, headers=signed | headers)


async def all_judged(on: Beside, count: int) -> list[dict[str, Any]]:
    async def so() -> list[dict[str, Any]]:
        rows = await on.service.deliveries()
        return rows if len(rows) == count and all(row["verdict"] for row in rows) else []

    found: list[dict[str, Any]] = await until(so, f"{count} deliveries to be judged")
    return found


async def suspended(on: Beside, trouble: str) -> dict[str, Any]:
    """The source, once nobody asks it any more."""

    async def so() -> dict[str, Any] | None:
        source = await on.service.source("thunderbit")
        return source if source["trouble"] == trouble and source["asking_again_at"] else None

    found: dict[str, Any] = await until(so, f"the source to wait: {trouble}")
    return found


async def rows_of(on: Beside, job_id: str) -> list[tuple[str, str]]:
    """The results of a job as `batchkeeper results` prints them: under which custom id is which page."""
    config = on.service.config
    async with on.service.store.reading() as connection:
        (part,) = await parts_of(connection, config, job_id, now())
    found = results(files_for(config.data), on.dialect, part, failed=False)
    return [(one.row.custom_id, json.loads(one.row.body or b"")["url"]) for one in found]


async def done(on: Beside, job_id: str) -> None:
    """Wait until a job is over at the stand-in."""

    async def so() -> bool:
        return next(one["done"] for one in await theirs(on) if one["job_id"] == job_id)

    await until(so, f"{job_id} to be over at the stand-in")
