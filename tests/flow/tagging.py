"""The document tagger's stand-in and somebody with an account at it: what its tests share.

A job has many quick rows where something has to happen while it runs, so that a slow machine is still in time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from standing_in import DEADLINE, until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sandbox.server import DEFAULT_TAGGER_EMAIL, DEFAULT_TAGGER_PASSWORD, RunningSandbox, SandboxSettings

LLM_KEY = "sk-or-not-to-be-shown"
GOOD, FAILING = "https://files.example/a.pdf", "https://fails.example/a.pdf"
UNKNOWN = {"progress": 0.0, "processed_count": 0, "failed_count": 0, "total": 0, "results_count": 0}
ENDS = ("completed", "cancelled", "failed")


def documents(*paths: str) -> list[dict[str, Any]]:
    return [{"title": f"Document {number}", "file_path": path} for number, path in enumerate(paths, 1)]


def order(*paths: str, key: str = LLM_KEY, **extra: Any) -> dict[str, Any]:
    """The body of a start."""
    return {"documents": documents(*paths), "config": {"api_key": key}} | extra


@dataclass
class Tagging:
    """A sandbox, and a client under `/tagger` who has logged in."""

    box: RunningSandbox
    client: httpx.AsyncClient
    tokens: dict[str, Any]

    async def log_in(
        self, email: str = DEFAULT_TAGGER_EMAIL, password: str = DEFAULT_TAGGER_PASSWORD
    ) -> httpx.Response:
        return await self.client.post("/api/auth/login", json={"email": email, "password": password})

    async def second_account(self) -> dict[str, str]:
        """The headers of another account."""
        email, password = "second@tagger.example", "another password"
        await self.client.post("/api/auth/register", json={"email": email, "password": password})
        tokens = (await self.log_in(email, password)).json()["tokens"]
        return {"Authorization": f"Bearer {tokens['access_token']}"}

    async def set(self, **switches: Any) -> dict[str, Any]:
        answer = await self.client.post("/sandbox/switches", json=switches)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def start(self, *paths: str, **extra: Any) -> str:
        answer = await self.client.post("/api/batch/start", json=order(*paths, **extra))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    async def ask(self, job: str, **extra: Any) -> httpx.Response:
        return await self.client.get(f"/api/batch/jobs/{job}/status", **extra)

    async def status(self, job: str) -> dict[str, Any]:
        answer = await self.ask(job)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def command(self, job: str, word: str, **extra: Any) -> httpx.Response:
        return await self.client.post(f"/api/batch/jobs/{job}/{word}", **extra)

    async def active(self, **extra: Any) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = (await self.client.get("/api/batch/active", **extra)).json()["jobs"]
        return jobs

    async def history(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = (await self.client.get("/api/history/jobs")).json()["jobs"]
        return jobs

    async def control(self, path: str) -> httpx.Response:
        return await self.client.post(f"/sandbox/{path}")

    async def truth(self) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.client.get("/sandbox/truth")).json()
        return shown

    async def true_job(self, job: str) -> dict[str, Any]:
        return next(entry for entry in (await self.truth())["jobs"] if entry["job_id"] == job)

    async def sees(self, job: str, holds: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Asks until an answer is as wanted: all that were told until then, the last one first."""
        told: list[dict[str, Any]] = []

        async def seen() -> bool:
            told.insert(0, await self.status(job))
            return holds(told[0])

        await until(seen)
        return told

    async def reaches(self, job: str, *statuses: str) -> dict[str, Any]:
        return (await self.sees(job, lambda told: told["status"] in statuses))[0]

    async def over(self, job: str) -> dict[str, Any]:
        """The answer when all is written."""
        await self.reaches(job, *ENDS)
        return (await self.sees(job, lambda told: told["status"] != "completed" or told["progress"] == 1))[0]

    async def truly(self, job: str, status: str) -> dict[str, Any]:
        """The truth once it is so; the tagger is not asked."""

        async def there() -> bool:
            return bool((await self.true_job(job))["status"] == status)

        await until(there)
        return await self.true_job(job)

    @asynccontextmanager
    async def listening(self, job: str, token: str | None = None, **extra: Any) -> AsyncIterator["Socket"]:
        url = f"ws{self.box.url.removeprefix('http')}/tagger/api/batch/ws/{job}"
        query = f"?token={self.tokens['access_token'] if token is None else token}"
        async with connect(url + query, proxy=None, compression=None, max_size=None, **extra) as connection:
            yield Socket(connection)


@dataclass
class Socket:
    connection: ClientConnection

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
        return frame

    async def hears_until_closed(self) -> tuple[list[dict[str, Any]], int]:
        """All frames, and the code of the close; 1006 if there was none."""
        frames = []
        try:
            while True:
                frames.append(await self.hears())
        except ConnectionClosed:
            code = self.connection.close_code
        assert code is not None
        return frames, code


@asynccontextmanager
async def tagging(speed: float = 100, **switches: Any) -> AsyncIterator[Tagging]:
    async with (
        RunningSandbox(SandboxSettings(port=0, speed=speed)) as box,
        httpx.AsyncClient(base_url=f"{box.url}/tagger", trust_env=False, timeout=DEADLINE) as client,
    ):
        on = Tagging(box, client, {})
        if switches:
            await on.set(**switches)
        on.tokens = (await on.log_in()).json()["tokens"]
        client.headers["Authorization"] = f"Bearer {on.tokens['access_token']}"
        yield on
