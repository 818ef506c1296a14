"""The sandbox's Thunderbit, a receiver of its webhooks, and a client between them: what the tests of this stand-in share.

Most tests run at speed 200, where the life of a small job takes 0.15 s and the first retry of a webhook 0.05 s.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx
from standing_in import DEADLINE, Receipt, Receiver, listening, until

from sandbox.server import DEFAULT_THUNDERBIT_KEY, RunningSandbox, SandboxSettings

SECRET = "whsec_test_0123456789abcdef"
SCHEMA = {"name": {"type": "TEXT"}, "price": {"type": "NUMBER"}}
GOOD, BAD = "https://shop.example/p/1", "https://shop.example/p/2?sandbox=fail"


@dataclass
class Hooks(Receiver):
    """Checks scheme v2; told that it `takes_unsigned`, it takes everything."""

    secret: str = SECRET

    def _is_genuine(self, headers: dict[str, str], body: bytes) -> bool:
        signed = headers.get("x-webhook-timestamp", "").encode() + b"." + body
        made = "sha256=" + b64encode(hmac.new(self.secret.encode(), signed, sha256).digest()).decode()
        return hmac.compare_digest(made, headers.get("x-webhook-signature", ""))


@dataclass
class Thunderbit:
    """Asks under `base`. Jobs are named by their path below it, such as `/batch/distill/batch_...`."""

    client: httpx.AsyncClient
    receiver: Hooks
    hooks: str
    base: str = field(default="/openapi/v1")

    def order(self, scenario: str = "", **extra: Any) -> dict[str, Any]:
        named = {"metadata": {"scenario": scenario}} if scenario else {}
        return {"urls": [GOOD, BAD], "webhook": {"url": self.hooks, "secret": SECRET}} | named | extra

    async def post(self, scenario: str = "", kind: str = "distill", **extra: Any) -> httpx.Response:
        needed = {"schema": SCHEMA} if kind == "extract" else {}
        return await self.client.post(f"{self.base}/batch/{kind}", json=self.order(scenario, **needed, **extra))

    async def create(self, scenario: str = "", kind: str = "distill", **extra: Any) -> str:
        answer = await self.post(scenario, kind, **extra)
        assert answer.status_code == 200, answer.text
        return f"/batch/{kind}/{answer.json()['data']['id']}"

    async def ask(self, job: str, **query: int) -> httpx.Response:
        return await self.client.get(self.base + job, params=query)

    async def shown(self, job: str) -> dict[str, Any]:
        answer = await self.ask(job)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def cancel(self, job: str) -> httpx.Response:
        return await self.client.delete(self.base + job)

    async def switch(self, **switches: Any) -> None:
        answer = await self.client.post("/sandbox/switches", json=switches)
        assert answer.status_code == 200, answer.text

    async def jobs(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.client.get("/sandbox/truth")).json()["jobs"]
        return listed

    async def truth(self, job: str) -> dict[str, Any]:
        return next(entry for entry in await self.jobs() if entry["job_id"] == id_of(job))

    async def settled(self, job: str) -> dict[str, Any]:
        return await self.becomes(job, settled=True)

    async def over(self, job: str) -> dict[str, Any]:
        return await self.becomes(job, done=True)

    async def becomes(self, job: str, **wanted: Any) -> dict[str, Any]:
        """Wait until its truth says so."""

        async def there() -> bool:
            truth = await self.truth(job)
            return all(truth[name] == value for name, value in wanted.items())

        await until(there)
        return await self.truth(job)

    def receipts(self, job: str) -> list[Receipt]:
        return [each for each in self.receiver.receipts if json.loads(each.body)["id"] == id_of(job)]

    def told(self, job: str) -> list[str]:
        """The status in each webhook that came."""
        return [json.loads(each.body)["status"] for each in self.receipts(job)]


def id_of(job: str) -> str:
    return job.rpartition("/")[2]


def outcomes(truth: dict[str, Any]) -> list[tuple[int, str]]:
    return [(sent["attempt"], sent["outcome"]) for sent in truth["sent"]]


@asynccontextmanager
async def thunderbit(speed: float = 200, **switches: Any) -> AsyncIterator[Thunderbit]:
    receiver = Hooks()
    async with listening(receiver) as (hooks, server), RunningSandbox(SandboxSettings(0, speed)) as box:
        headers = {"Authorization": f"Bearer {DEFAULT_THUNDERBIT_KEY}"}
        async with httpx.AsyncClient(
            base_url=f"{box.url}/thunderbit", headers=headers, trust_env=False, timeout=DEADLINE
        ) as client:
            at = Thunderbit(client, receiver, hooks)
            if switches:
                await at.switch(**switches)
            yield at
        server.should_exit = True
