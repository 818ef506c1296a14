"""Playing the demo: start, submit, cancel one, watch, and compare."""

import asyncio
import contextlib
import json
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from operators.demo import plan
from operators.demo.plan import BATCHES, SOURCE, Batch
from operators.demo.processes import Commands, free_port
from operators.demo.report import report_job
from operators.views import View

Tell = Callable[[str], None]
Show = Callable[[list[View], float], None]
REQUESTS = "sandbox/examples/requests.jsonl"
LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Stage:
    """What is running: where it lies, and how it is reached."""

    folder: Path
    commands: Commands
    sandbox_url: str
    operators_url: str
    variables: dict[str, str]

    async def ours(self, client: httpx.AsyncClient, path: str) -> Any:
        """What our own service says, over the operators' port."""
        headers = {"authorization": f"Bearer {self.variables[plan.TOKEN]}"}
        answer = await client.get(f"{self.operators_url}/api/v1/{path}", headers=headers)
        return answer.raise_for_status().json()

    async def truth(self, client: httpx.AsyncClient) -> dict[str, View]:
        """What the sandbox says is true, by job id."""
        answer = await client.get(f"{self.sandbox_url}/sandbox/truth")
        return {batch["job_id"]: batch for batch in answer.raise_for_status().json()["batches"]}


@contextlib.asynccontextmanager
async def staged(endpoint_id: str, tell: Tell) -> AsyncIterator[Stage]:
    """A temporary folder with a configuration, and sandbox and service running on it. Nothing of it stays."""
    receiver, operators, gateway = free_port(), free_port(), free_port()
    config = plan.configuration(receiver, operators, gateway, endpoint_id, sys.executable)
    variables = {
        plan.KEY: f"phaseo_v1_sk_demo0000_{secrets.token_hex(16)}",
        plan.SECRET: f"whsec_{secrets.token_urlsafe(32)}",
        plan.TOKEN: secrets.token_urlsafe(24),
    }
    with tempfile.TemporaryDirectory(prefix="batchkeeper-demo-") as name:
        folder = Path(name)
        (folder / "batchkeeper.toml").write_text(config)
        (folder / "downstream.py").write_text(plan.DOWNSTREAM)
        tell(f"the configuration, in {folder}:\n\n{_indented(config)}")
        commands = Commands(folder, variables)
        urls = (f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{receiver}", f"http://127.0.0.1:{operators}")
        sandbox = (
            "sandbox",
            "--port",
            str(gateway),
            "--speed",
            str(plan.SPEED),
            "--webhook-url",
            f"{urls[1]}/webhooks/{SOURCE}",
        )
        tell(f"$ batchkeeper {' '.join(sandbox)}\n$ batchkeeper up")
        async with (
            commands.running(*sandbox, answers_at=f"{urls[0]}/sandbox/ready"),
            commands.running("up", answers_at=f"{urls[1]}/readyz"),
        ):
            yield Stage(folder, commands, urls[0], urls[2], variables)


async def play(stage: Stage, requests: Path, tell: Tell, show: Show) -> list[View]:
    """Submit every batch, cancel the one that is to be, wait until all is settled, and compare. The report's jobs."""
    tell(f"$ batchkeeper submit {REQUESTS} --source {SOURCE} --metadata scenario=...   ({len(BATCHES)} times)")
    together = [batch for batch in BATCHES if not batch.is_cancelled]
    made = await asyncio.gather(*(_submit(stage, requests, batch) for batch in together))
    batches = {job_id: batch for job_ids, batch in zip(made, together, strict=True) for job_id in job_ids}
    # By itself and last: it lives for some seconds only, and the others keep the machine busy while they start.
    for batch in (batch for batch in BATCHES if batch.is_cancelled):
        (job_id,) = await _submit(stage, requests, batch)
        tell(f'$ batchkeeper cancel {job_id} --reason "no longer needed"')
        await stage.commands.read("cancel", job_id, "--reason", "no longer needed")
        batches[job_id] = batch
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        await _watch(stage, client, batches, show)
        return await _compare(stage, client, batches)


async def _submit(stage: Stage, requests: Path, batch: Batch) -> list[str]:
    """The jobs that one file becomes: one, or those of a group."""
    arguments = ["submit", str(requests), "--source", SOURCE, "--metadata", f"scenario={batch.scenario}"]
    if batch.shard_rows is not None:
        arguments += ["--shard-rows", str(batch.shard_rows)]
    submitted = await stage.commands.read(*arguments)
    return [part["job_id"] for part in submitted["submissions"]]


async def _watch(stage: Stage, client: httpx.AsyncClient, batches: dict[str, Batch], show: Show) -> None:
    """Look until every job is settled here and nothing is left to be sent there, or the time is over."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < plan.DEADLINE_SECONDS:
        jobs = (await stage.ours(client, "jobs"))["jobs"]
        for job in jobs:
            job["story"] = batches[job["job_id"]].story if job["job_id"] in batches else ""
        show(jobs, passed)
        truth = await stage.truth(client)
        if (
            len(jobs) == len(batches)
            and all(job["settled"] for job in jobs)
            and all(one["settled"] for one in truth.values())
            and not (await stage.ours(client, "handoffs?state=waiting"))["handoffs"]
        ):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _compare(stage: Stage, client: httpx.AsyncClient, batches: dict[str, Batch]) -> list[View]:
    truth, told = await stage.truth(client), handed_on(stage.folder)

    async def one(job_id: str, batch: Batch) -> View:
        ours = await stage.ours(client, f"jobs/{SOURCE}/{job_id}")
        return report_job(batch, truth[job_id], ours, [event for event in told if event["subject"] == job_id])

    compared: list[Awaitable[View]] = [one(job_id, batch) for job_id, batch in batches.items()]
    return list(await asyncio.gather(*compared))


def handed_on(folder: Path) -> list[View]:
    """The events that downstream was given."""
    kept = folder / plan.HANDED_ON
    return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
