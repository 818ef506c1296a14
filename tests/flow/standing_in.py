"""A sandbox, a receiver of its webhooks, and a client between them: what the tests of the stand-in share.

Most tests run at speed 1800, where the life of a batch takes 0.3 s and all four attempts of a webhook 0.7 s.
"""

import asyncio
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import sandbox
from sandbox.server import (
    DEFAULT_API_KEY,
    DEFAULT_ENDPOINT_ID,
    DEFAULT_WEBHOOK_SECRET,
    RunningSandbox,
    SandboxSettings,
)

EXAMPLE = (Path(sandbox.__file__).parent / "examples" / "requests.jsonl").read_bytes()
MANAGER = {"Authorization": "Bearer phaseo_v1_mk_abc123_secret"}
DEADLINE = 60.0  # generous: the machine may be busy, and what is waited for comes long before


@dataclass
class Receipt:
    """One request as the receiver saw it."""

    headers: dict[str, str]
    body: bytes
    genuine: bool
    at: float

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def key(self) -> str:
        """A delivery of G1a does not name its key."""
        return str(self.event.get("delivery", {}).get("key") or self.event["type"])

    def named(self, prefix: str) -> set[str]:
        """Its headers with this prefix, without it."""
        return {name.removeprefix(prefix) for name in self.headers if name.startswith(prefix)}


@dataclass
class Receiver:
    """Keeps what comes, refuses bad signatures, and answers by its plan while that lasts.

    `prefix` is that of the headers that it expects. `visits` are the methods of all requests, those without a body included.
    """

    secret: str = DEFAULT_WEBHOOK_SECRET
    prefix: str = "x-phaseo-"
    takes_unsigned: bool = False
    plan: list[int] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    visits: list[tuple[str, str]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.visits.append((request.method, request.url.path))
        if request.method == "GET":
            return PlainTextResponse("seen", status_code=202)
        body, headers = await request.body(), dict(request.headers)
        genuine = self._is_genuine(headers, body)
        self.receipts.append(Receipt(headers, body, genuine, time.monotonic()))
        if not genuine and not self.takes_unsigned:
            return PlainTextResponse("bad signature", status_code=401)
        status = self.plan.pop(0) if self.plan else 202
        return PlainTextResponse("kept", status_code=status, headers={"Location": "/elsewhere"})

    def _is_genuine(self, headers: dict[str, str], body: bytes) -> bool:
        signed = headers.get(f"{self.prefix}timestamp", "").encode() + b"." + body
        made = hmac.new(self.secret.encode(), signed, sha256).hexdigest()
        return hmac.compare_digest(made, headers.get(f"{self.prefix}signature", ""))


class _Unsignalled(uvicorn.Server):
    @asynccontextmanager
    async def running(self, listener: socket.socket) -> AsyncIterator[None]:
        task = asyncio.create_task(self._serve([listener]))
        try:
            yield
        finally:
            self.should_exit = True
            await task


@dataclass
class Stage:
    """A sandbox, a receiver, and a client between them."""

    box: RunningSandbox
    client: httpx.AsyncClient
    receiver: Receiver
    hooks: str

    def order(self, scenario: str = "", **extra: Any) -> dict[str, Any]:
        """The body of a create call, with a webhook in the form of the generation."""
        named = {"metadata": {"scenario": scenario}} if scenario else {}
        rows = [{"custom_id": f"row-{n}", "body": {"messages": []}} for n in range(6)]
        return {"requests": rows, "endpoint": "/v1/chat/completions"} | self.webhook() | named | extra

    def webhook(self, *events: str) -> dict[str, Any]:
        if self.box.settings.generation.startswith("G1"):
            return {"webhook": {"url": self.hooks, "secret": DEFAULT_WEBHOOK_SECRET, "events": list(events)}}
        return {"webhook": {"endpoint_id": DEFAULT_ENDPOINT_ID, "events": list(events)}}

    async def create(self, scenario: str = "", **extra: Any) -> str:
        answer = await self.client.post("/v1/batches", json=self.order(scenario, **extra))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def film(self, scenario: str = "", *events: str) -> str:
        """Make a video."""
        order = {"model": "sora-2", "prompt": "a goat on a roof"} | self.webhook(*events)
        answer = await self.client.post("/v1/videos", json=order | {"metadata": {"scenario": scenario}})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def batch(self, job: str) -> dict[str, Any]:
        return await self.get(f"/v1/batches/{job}")

    async def video(self, job: str) -> dict[str, Any]:
        return await self.get(f"/v1/videos/{job}")

    async def truth(self, job: str) -> dict[str, Any]:
        listed = await self.get("/sandbox/truth")
        return next(entry for entry in (*listed["batches"], *listed["videos"]) if entry["job_id"] == job)

    async def settled(self, *jobs: str) -> list[dict[str, Any]]:
        async def all_settled() -> bool:
            return all([(await self.truth(job))["settled"] for job in jobs])

        await until(all_settled)
        return [await self.truth(job) for job in jobs]

    async def over(self, job: str) -> dict[str, Any]:
        async def ended() -> bool:
            return bool((await self.truth(job))["done"])

        await until(ended)
        return await self.batch(job)

    async def reaches(self, job: str, *statuses: str) -> None:
        async def there() -> bool:
            return (await self.truth(job))["status"] in statuses

        await until(there)

    def receipts(self, job: str, key: str | None = None) -> list[Receipt]:
        mine = [receipt for receipt in self.receiver.receipts if receipt.event["data"]["id"] == job]
        return [receipt for receipt in mine if key in {None, receipt.key}]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await holds():  # noqa: ASYNC110 - what is awaited happens beyond a socket
            await asyncio.sleep(0.01)


async def is_so(holds: Callable[[], bool]) -> bool:
    return holds()


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """The receiver behind a URL of its own, and the server that it stops with."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = Starlette(routes=[Route(path, receiver.take, methods=["GET", "POST"]) for path in ("/hooks", "/elsewhere")])
    server = _Unsignalled(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    listener.listen()
    async with server.running(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hooks", server


@asynccontextmanager
async def stage(speed: float = 1800, **settings: Any) -> AsyncIterator[Stage]:
    receiver = Receiver()
    async with listening(receiver) as (hooks, server):
        chosen = SandboxSettings(**({"port": 0, "speed": speed, "webhook_url": hooks} | settings))
        if chosen.generation.startswith("G1"):
            receiver.prefix = "x-ai-stats-"
        headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        async with (
            RunningSandbox(chosen) as box,
            httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False, timeout=DEADLINE) as client,
        ):
            yield Stage(box, client, receiver, hooks)
            server.should_exit = True  # both servers take a moment to stop; let it be the same moment


def outcomes(truth: dict[str, Any]) -> list[tuple[int, str]]:
    return [(sent["attempt"], sent["outcome"]) for sent in truth["sent"]]


def recorded(truth: dict[str, Any]) -> list[tuple[int, str]]:
    return [(entry["attempt_number"], entry["status"]) for entry in truth["recorded"]]


SCHEDULED = "scheduled_retry"
FOUR_FAILURES = [(1, SCHEDULED), (2, SCHEDULED), (3, SCHEDULED), (4, "failed_permanently")]
