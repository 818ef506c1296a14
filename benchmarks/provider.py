"""
A modelled provider in virtual time: jobs with lives of their own, asked over an in-memory transport, every question counted.

It speaks the gateway's wire as far as it is asked here: one batch, the list, one file. A question takes a fifth of a second
or so. A batch's own endpoint tells the truth. The list is served from storage: it knows of a batch what the last
look at it has shown, and looks are questions about it, webhooks sent about it, and visits every two to five minutes.
It shows the 100 batches that were looked at last, of all or of one status. A webhook that is lost was never sent.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from benchmarks.lives import Life

BASE_URL = "https://gateway.example/v1"
ENDPOINT_ID = "wh_of_the_simulation"
LATENCY = (0.1, 0.3)
VISITS = (120.0, 300.0)
LIST_LIMIT = 100
ROWS = 100
EPOCH = 1_786_500_000  # when the simulation begins, in seconds since 1970


@dataclass
class Asked:
    """When a question came, and about what: `status`, `account` (of a job whose end was told before), `list` or `file`."""

    at: float
    about: str


@dataclass
class Batch:
    """One job as the provider keeps it. `looked_at` is when its stored row was last made to agree with the truth."""

    life: Life
    looked_at: float
    visits: list[float]
    is_told: bool = False
    delivered: list[dict[str, Any]] = field(default_factory=list)

    def look(self, now: float) -> None:
        self.looked_at = now

    def catch_up(self, now: float) -> None:
        """Take in the visits that have been paid meanwhile."""
        while self.visits and self.visits[0] <= now:
            self.looked_at = max(self.looked_at, self.visits.pop(0))


class Provider:
    """`loss` from 0 to 1. Its clock is the running loop's."""

    def __init__(self, lives: Sequence[Life], loss: float, seed: int) -> None:
        self.loss = loss
        self.asked: list[Asked] = []
        self.transport = httpx.MockTransport(self._answer)
        self._random = Random(f"latency:{seed}")
        visiting = Random(f"visits:{seed}")
        self.batches = {life.job_id: Batch(life, life.created_at, _visits(life, visiting)) for life in lives}

    def delivered(self, job_id: str, key: str, status: int, preview: str) -> None:
        """A webhook was sent, and this is the answer that it got."""
        now = asyncio.get_running_loop().time()
        batch = self.batches[job_id]
        batch.look(now)
        attempt = {"delivery_key": key, "attempt_number": 1, "status": "delivered", "tried_at": _stamp(now)}
        batch.delivered.append({**attempt, "response_status": status, "response_body_preview": preview})

    def count(self, about: str) -> int:
        return sum(asked.about == about for asked in self.asked)

    def peak(self) -> int:
        """The most questions within any sixty seconds."""
        times, first, most = [asked.at for asked in self.asked], 0, 0
        for last, at in enumerate(times):
            while times[first] <= at - 60:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        now = asyncio.get_running_loop().time()
        wanted = request.url.params.get("status")
        status, document = self._say(request.url.path.removeprefix("/v1/"), wanted, now)
        await asyncio.sleep(self._random.uniform(*LATENCY))
        return httpx.Response(status, content=_streamed(json.dumps(document).encode()))

    def _say(self, path: str, wanted: str | None, now: float) -> tuple[int, dict[str, Any]]:
        noun, _, name = path.partition("/")
        if noun == "files":
            self.asked.append(Asked(now, "file"))
            return 200, {"id": name, "object": "file", "bytes": 12_345}
        if not name:
            self.asked.append(Asked(now, "list"))
            return 200, {"object": "list", "data": self._list(wanted, now), "has_more": False}
        batch = self.batches.get(name)
        if batch is None or batch.life.created_at > now:
            self.asked.append(Asked(now, "status"))
            return 404, {"error": "not_found", "reason": "batch_not_found_or_not_owned", "batch_id": name}
        self.asked.append(Asked(now, "account" if batch.is_told else "status"))
        batch.is_told = batch.life.ended_at <= now
        batch.look(now)
        return 200, shown(batch, now)

    def _list(self, wanted: str | None, now: float) -> list[dict[str, Any]]:
        born = [batch for batch in self.batches.values() if batch.life.created_at <= now]
        for batch in born:
            batch.catch_up(now)
        latest = sorted(born, key=lambda batch: batch.looked_at, reverse=True)
        stored = [shown(batch, batch.looked_at) for batch in latest]
        return [entry for entry in stored if wanted in (None, entry["status"])][:LIST_LIMIT]


def shown(batch: Batch, at: float) -> dict[str, Any]:
    """A batch as it was at a time."""
    life, job_id = batch.life, batch.life.job_id
    has_ended = life.ended_at <= at
    share = 1.0 if has_ended else max(0.0, at - life.created_at) / life.length
    is_completed = has_ended and life.end == "completed"
    return {
        "id": job_id,
        "object": "batch",
        "status": life.end if has_ended else "in_progress",
        "provider": "openai",
        "created_at": int(EPOCH + life.created_at),
        f"{life.end}_at": int(EPOCH + life.ended_at) if has_ended else None,
        "output_file_id": f"file-{job_id}" if is_completed else None,
        "request_counts": {"total": ROWS, "completed": int(ROWS * share), "failed": 0},
        "webhook": {"endpoint_id": ENDPOINT_ID, "has_secret": True, "attempts": batch.delivered[-10:]},
        "polling_url": f"{BASE_URL}/batches/{job_id}",
        "cancel_url": None,
    }


def _visits(life: Life, random: Random) -> list[float]:
    """When the provider comes by of its own accord, until it has seen the end."""
    visits = [life.created_at + random.uniform(*VISITS)]
    while visits[-1] < life.ended_at:
        visits.append(visits[-1] + random.uniform(*VISITS))
    return visits


async def _streamed(body: bytes) -> AsyncIterator[bytes]:
    """As from a network: an answer that is whole from the start could not be read as a stream."""
    yield body


def _stamp(at: float) -> float:
    return EPOCH + at
