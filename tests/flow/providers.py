"""Each provider as the flows of every dialect see it: how it is configured, what it is given, and what it says really happened.

A new provider is one class here; `test_every_provider.py` then runs it through all flows that its dialect has.
"""

import csv
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import httpx
from service import DEADLINE, MANAGER, QUICK, Service, SourceAt, service
from submitted import made, store

from operators.clock import now
from operators.csv_rows import is_csv, rows_from_csv
from operators.demo.processes import free_port
from operators.submitting import Submitted, Wishes
from sandbox.openai.defaults import API_KEY
from sandbox.openai.endpoint import ENDPOINT_ID
from sandbox.server import (
    DEFAULT_ENDPOINT_ID,
    DEFAULT_TAGGER_EMAIL,
    DEFAULT_TAGGER_PASSWORD,
    DEFAULT_THUNDERBIT_KEY,
    RunningSandbox,
    SandboxSettings,
)
from sandbox.standard.account import API_KEY as STANDARD_KEY
from sandbox.standard.account import WEBHOOK_SECRET as STANDARD_SECRET
from sandbox.standard_webhooks import signed_headers
from schemas.dialects import Dialect, dialect_of
from schemas.tables import JobRow

SPEED = 60.0
STANDARD_OPTIONS: dict[str, Any] = {
    "kind": "task",
    "status_url": "/standard/v1/tasks/{job}",
    "cancel_url": "/standard/v1/tasks/{job}",
    "cancel_method": "DELETE",
    "status": "data.status",
    "counts_total": "rows.total",
    "counts_completed": "rows.done",
    "counts_failed": "rows.failed",
    "error_message": "error.message",
    "words": {
        "queued": "pending",
        "running": "running",
        "completed": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
    },
    "expected_events": {"task.completed": "completed", "task.failed": "failed", "task.cancelled": "cancelled"},
}
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class TrueJob:
    """What became of a job by the provider's own account, which nobody of ours can read."""

    job_id: str
    status: str  # in our words
    is_done: bool
    succeeded: int
    failed: int
    asks: int


class Provider(Protocol):
    """One provider's part in the flows."""

    name: ClassVar[str]  # of its dialect, and of its source here
    endpoint: ClassVar[str | None]  # what its jobs are for, where rows do not say it
    cancels: ClassVar[bool]
    sends_webhooks: ClassVar[bool]
    submits: ClassVar[bool]  # False: its jobs are made elsewhere, by `create`
    finds_lost_creates: ClassVar[bool]  # something of its jobs tells which create they come from

    async def create(self, client: httpx.AsyncClient, scenario: str) -> str:
        """Have a job made by somebody else."""
        ...

    def source(self, box: RunningSandbox) -> SourceAt: ...
    def rows(self, folder: Path, good: int, bad: int) -> Path:
        """An input of so many rows that succeed and so many that fail."""
        ...

    def metadata(self, scenario: str) -> dict[str, str]:
        """What an order carries so that its job goes as told, where orders carry anything."""
        ...

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        """Have jobs go as told from now on, where orders carry nothing."""
        ...

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        """Have its webhooks come to this URL, where that is not said with each job."""
        ...

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]: ...
    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        """Have the webhook of a job's end sent once more."""
        ...


def rows_of_requests(folder: Path, good: int, bad: int, url: str = "/v1/chat/completions") -> Path:
    """An input of chat requests; nothing in a row makes it fail."""
    path = folder / "rows.jsonl"
    body = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}]}
    lines = [{"custom_id": f"row-{n}", "method": "POST", "url": url, "body": body} for n in range(good + bad)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class Submitting:
    """Its jobs are ours."""

    submits = True
    finds_lost_creates = True

    async def create(self, client: httpx.AsyncClient, scenario: str) -> str:
        raise NotImplementedError


def _as_batch(one: Mapping[str, Any]) -> TrueJob:
    """A batch of requests, as the truths of the gateway and of OpenAI show it."""
    rows = one["rows"] or {}
    return TrueJob(
        one["job_id"], one["status"], one["done"], rows.get("answered", 0), rows.get("failed", 0), one["gets"]
    )


class Gateway(Submitting):
    """The Phaseo gateway."""

    name, endpoint, cancels, sends_webhooks = "phaseo", None, True, True

    def source(self, box: RunningSandbox) -> SourceAt:
        return SourceAt(f"{box.url}/v1", secret=box.settings.webhook_secret)

    def rows(self, folder: Path, good: int, bad: int) -> Path:
        return rows_of_requests(folder, good, bad)

    def metadata(self, scenario: str) -> dict[str, str]:
        return {"scenario": scenario}

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        pass

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        path = f"/v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}"
        (await client.patch(path, json={"url": url}, headers=MANAGER)).raise_for_status()

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]:
        found = (await client.get("/sandbox/truth")).json()["batches"]
        return [_as_batch(one) for one in found]

    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        answer = await client.post(f"/sandbox/deliver/{job.job_id}/{job.status}")
        assert answer.status_code == 200, answer.text


class OpenAI(Submitting):
    """OpenAI's batches. What is registered there hears of all of them."""

    name, endpoint, cancels, sends_webhooks = "openai", None, True, True

    def source(self, box: RunningSandbox) -> SourceAt:
        more = {"dialect": "openai", "webhook_endpoint_id": None}
        secret = box.settings.openai_webhook_secret
        return SourceAt(f"{box.url}/openai/v1", more, key=box.settings.openai_api_key, secret=secret)

    def rows(self, folder: Path, good: int, bad: int) -> Path:
        return rows_of_requests(folder, good, bad)

    def metadata(self, scenario: str) -> dict[str, str]:
        return {"scenario": scenario}

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        pass

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        path, headers = f"/openai/v1/webhook_endpoints/{ENDPOINT_ID}", {"Authorization": f"Bearer {API_KEY}"}
        (await client.post(path, json={"url": url}, headers=headers)).raise_for_status()

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]:
        found = (await client.get("/openai/sandbox/truth")).json()["batches"]
        return [_as_batch(one) for one in found]

    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        (await client.post(f"/openai/sandbox/deliver/{job.job_id}/batch.{job.status}")).raise_for_status()


class Thunderbit(Submitting):
    """Thunderbit's batches. A page fails whose URL says so."""

    name, endpoint, cancels, sends_webhooks = "thunderbit", "/batch/distill", True, True

    def source(self, box: RunningSandbox) -> SourceAt:
        more = {"dialect": "thunderbit", "webhook": "inline", "requests_per_minute": 10_000}
        return SourceAt(f"{box.url}/thunderbit/openapi/v1", more, key=DEFAULT_THUNDERBIT_KEY)

    def rows(self, folder: Path, good: int, bad: int) -> Path:
        path = folder / "pages.csv"
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["custom_id", "url"])
            for n in range(good + bad):
                writer.writerow([f"row-{n}", f"https://shop.example/p/{n}{'' if n < good else '?sandbox=fail'}"])
        return path

    def metadata(self, scenario: str) -> dict[str, str]:
        return {}

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        (await client.post("/thunderbit/sandbox/switches", json={"scenario": scenario})).raise_for_status()

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        pass

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]:
        found = (await client.get("/thunderbit/sandbox/truth")).json()["jobs"]
        return [
            TrueJob(
                one["job_id"],
                one["status"].lower(),
                one["done"],
                sum(row["outcome"] == "SUCCEEDED" for row in one["rows"]),
                sum(row["outcome"] == "FAILED" for row in one["rows"]),
                one["gets"],
            )
            for one in found
        ]

    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        answer = await client.post(f"/thunderbit/sandbox/deliver/{job.job_id}")
        assert answer.status_code == 200, answer.text


class Standard:
    """A provider by configuration. Its jobs are made elsewhere, as far as we are concerned, and have no rows that are shown."""

    name, endpoint, cancels, sends_webhooks, submits = "standard", None, True, True, False
    finds_lost_creates = True
    _hook = ""

    def source(self, box: RunningSandbox) -> SourceAt:
        return SourceAt(f"{box.url}/standard", {"dialect": "standard"}, STANDARD_KEY, STANDARD_SECRET, STANDARD_OPTIONS)

    async def create(self, client: httpx.AsyncClient, scenario: str) -> str:
        word = {"webhook_lost": ["lost"], "webhook_repeated": ["duplicated"]}.get(scenario, [])
        # Webhooks of a task that had ended when it was first asked about are not missed: that one works until somebody asked.
        order = {"seconds": 180 if word == ["lost"] else 20, "rows": 4, "webhooks": word}
        answer = await client.post(
            "/standard/v1/tasks", json=order, headers={"authorization": f"Bearer {STANDARD_KEY}"}
        )
        return str(answer.raise_for_status().json()["id"])

    def rows(self, folder: Path, good: int, bad: int) -> Path:
        raise NotImplementedError

    def metadata(self, scenario: str) -> dict[str, str]:
        raise NotImplementedError

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        pass

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        self._hook = url
        (await client.put("/standard/sandbox/webhook", content=url)).raise_for_status()

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]:
        found = (await client.get("/standard/sandbox/truth")).json()["tasks"]
        return [TrueJob(one["task_id"], one["status"], one["done"], 0, 0, one["gets"]) for one in found]

    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        body = json.dumps({"type": f"task.{job.status}", "data": {"id": job.job_id, "status": job.status}}).encode()
        signed = signed_headers(STANDARD_SECRET, f"msg_{secrets.token_hex(8)}", int(time.time()), body)
        (await client.post(self._hook, content=body, headers=signed)).raise_for_status()


class Tagger(Submitting):
    """The document tagger. A document fails whose host says so."""

    name, endpoint, cancels, sends_webhooks = "tagger", None, True, False

    def source(self, box: RunningSandbox) -> SourceAt:
        return SourceAt(
            f"{box.url}/tagger",
            {"dialect": "tagger"},
            key=DEFAULT_TAGGER_PASSWORD,
            options={"email": DEFAULT_TAGGER_EMAIL, "llm_key_env": "LLM_KEY"},
            environ={"LLM_KEY": "sk-or-not-to-be-shown"},
        )

    def rows(self, folder: Path, good: int, bad: int) -> Path:
        path = folder / "documents.csv"
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["custom_id", "title", "file_path"])
            for n in range(good + bad):
                host = "files" if n < good else "fails"
                writer.writerow([f"row-{n}", f"Document {n}", f"https://{host}.example/{n}.pdf"])
        return path

    def metadata(self, scenario: str) -> dict[str, str]:
        return {}

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        switches = {"create_lost": {"starts_lost": 1}}.get(scenario, {})
        (await client.post("/tagger/sandbox/switches", json=switches)).raise_for_status()

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        pass

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]:
        found = (await client.get("/tagger/sandbox/truth")).json()["jobs"]
        return [TrueJob(one["job_id"], one["status"], one["done"], one["succeeded"], one["failed"], 0) for one in found]

    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        raise NotImplementedError


class Anthropic(Submitting):
    """Anthropic's batches: no webhooks, and nothing in a batch that could name who made it. A row fails whose name says so."""

    name, endpoint, cancels, sends_webhooks = "anthropic", None, True, False
    finds_lost_creates = False

    def source(self, box: RunningSandbox) -> SourceAt:
        more = {"dialect": "anthropic", "webhook": "none"}
        return SourceAt(f"{box.url}/anthropic/v1", more, key=box.settings.anthropic_key)

    def rows(self, folder: Path, good: int, bad: int) -> Path:
        path = folder / "rows.jsonl"
        params = {"model": "claude-x", "max_tokens": 16, "messages": [{"role": "user", "content": "Hello"}]}
        names = [f"row-{n}" if n < good else f"errored-{n}" for n in range(good + bad)]
        path.write_text("".join(json.dumps({"custom_id": name, "params": params}) + "\n" for name in names))
        return path

    def metadata(self, scenario: str) -> dict[str, str]:
        return {}

    async def arrange(self, client: httpx.AsyncClient, scenario: str) -> None:
        (await client.post("/anthropic/sandbox/switches", json={"scenario": scenario})).raise_for_status()

    async def point(self, client: httpx.AsyncClient, url: str) -> None:
        pass

    async def jobs(self, client: httpx.AsyncClient) -> list[TrueJob]:
        found = (await client.get("/anthropic/sandbox/truth")).json()["batches"]
        return [
            TrueJob(
                one["job_id"],
                one["status"] or "running",
                one["done"],
                sum(row["outcome"] == "succeeded" for row in one["rows"]),
                sum(row["outcome"] not in ("succeeded", "processing") for row in one["rows"]),
                one["gets"],
            )
            for one in found
        ]

    async def deliver(self, client: httpx.AsyncClient, job: TrueJob) -> None:
        raise NotImplementedError("it sends no webhooks")


PROVIDERS: tuple[Callable[[], Provider], ...] = (Gateway, OpenAI, Thunderbit, Tagger, Anthropic, Standard)


@dataclass
class Beside:
    """A sandbox with a service beside it that has one source for one provider."""

    provider: Provider
    service: Service
    client: httpx.AsyncClient = field(repr=False)

    @property
    def dialect(self) -> Dialect:
        return dialect_of(self.service.config.sources[self.provider.name])

    async def truth(self) -> dict[str, TrueJob]:
        return {job.job_id: job for job in await self.provider.jobs(self.client)}

    async def submit(self, folder: Path, scenario: str = "", good: int = 3, bad: int = 1) -> Submitted:
        """Have an input sent as `batchkeeper submit` does it, to go as told."""
        provider = self.provider
        await provider.arrange(self.client, scenario)
        path = as_lines(provider.rows(folder, good, bad), self.dialect, folder)
        metadata = provider.metadata(scenario) if scenario else {}
        return await store(self.service, path, Wishes(metadata), None, provider.name, provider.endpoint)

    async def start(self, folder: Path, scenario: str = "") -> JobRow:
        """Have a job made that goes as told, and watched."""
        if self.provider.submits:
            return await self.job(await self.submit(folder, scenario))
        job_id = await self.provider.create(self.client, scenario)
        (kind,) = self.dialect.kinds
        await self.service.track(job_id, self.provider.name, kind)
        found = await self.service.row(job_id)
        assert found is not None
        return found

    async def job(self, stored: Submitted) -> JobRow:
        """The one job of a submission, once it is there."""
        (found,) = await made(self.service, stored)
        return found


def as_lines(path: Path, dialect: Dialect, folder: Path) -> Path:
    """An input as `submit` stages it."""
    if not is_csv(path.name):
        return path
    lines = folder / "lines.jsonl"
    rows_from_csv(path, dialect, {}, lines)
    return lines


@asynccontextmanager
async def beside(
    provider: Provider,
    knobs: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    speed: float = SPEED,
    *,
    options: Mapping[str, Any] | None = None,
    others: Mapping[str, SourceAt] | None = None,
    clock: Callable[[], int] = now,
) -> AsyncIterator[Beside]:
    """Run both. The service's receiver is where the sandbox delivers to. `others` are sources besides, by name, and `clock` is
    the reconciler's."""
    async with RunningSandbox(SandboxSettings(0, speed=speed)) as box:
        at = provider.source(box)
        quick = {name: QUICK[name] for name in ("poll_seconds", "poll_cap_seconds", "first_poll_seconds")}
        chosen = {**at.options, **(options or {})}
        source = SourceAt(at.base_url, {**quick, **at.more, **(more or {})}, at.key, at.secret, chosen, at.environ)
        sources = {provider.name: source, **(others or {})}
        async with (
            # A job that is told where to send its news has to be told a port that is known before the receiver listens.
            service(sources, knobs, receiver={"port": free_port()}, clock=clock) as running,
            httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=DEADLINE) as client,
        ):
            await provider.point(client, f"{running.receiver_url}/webhooks/{provider.name}")
            yield Beside(provider, running, client)
