"""Targets of hand-offs for the flows: a server that verifies what it is told by somebody else's library, and small programs."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from service import TOLD_SECRET, Asked, Provider, Said, Script, Service, batch, file_of, said, service, until
from standardwebhooks import Webhook

from operators import acts
from operators.clock import now
from schemas.tables import HandoffRow, LabelRow
from schemas.words import Origin
from storage import handoffs, jobs
from storage.listing import Part
from storage.rows import add

Answer = Callable[[Asked], Said | Awaitable[Said]]
QUICK_RETRY = {"retry_seconds": 0.05, "retry_cap_seconds": 0.2}


class Downstream:
    """A server that is told. Each event is verified as any receiver would, before it is answered as the test says."""

    def __init__(self, answer: Answer = lambda _: said(status=204)) -> None:
        self.answer = answer
        self.events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.provider = Provider(self._take, has_list=True)

    @property
    def table(self) -> dict[str, Any]:
        """How it is configured."""
        return {"type": "http", "url": f"{self.provider.url}/told?by=us", "secret_env": "TOLD", **QUICK_RETRY}

    @property
    def asked(self) -> list[Asked]:
        return self.provider.asked

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Downstream"]:
        """Listen until the end of the block. Whatever it was told has to be right."""
        async with self.provider.listening():
            yield self
        assert self.complaints == []

    def _take(self, asked: Asked) -> Said | Awaitable[Said]:
        try:
            event = Webhook(TOLD_SECRET).verify(asked.body, dict(asked.headers))
            assert (asked.method, asked.target) == ("POST", "/told?by=us")
            assert asked.headers["content-type"] == "application/cloudevents+json"
            assert asked.headers["webhook-id"] == event["id"]
        except Exception as error:
            self.complaints.append(repr(error))
            raise
        self.events.append(event)
        return self.answer(asked)


def program(text: str, *arguments: str, **more: Any) -> dict[str, Any]:
    """A target that is a program in Python, which finds the two ids behind its arguments."""
    return {"type": "command", "command": [sys.executable, "-c", text, *arguments], **QUICK_RETRY, **more}


def ended(status: str = "completed", **more: Any) -> Callable[[Asked], bytes]:
    """A provider whose every job has ended so, and whose files are there."""
    return lambda asked: file_of(asked) or said(batch(asked.job_id, status, **more))


async def hand_on(
    service: Service, job_id: str, labels: Mapping[str, str] | None = None, source: str = "gateway"
) -> None:
    """Take in a job that is handed on when it is ready."""
    async with service.store.writing() as connection:
        job = await acts.track(connection, service.config, source, "batch", job_id, service.store.new_id, now())
        for key, value in (labels or {}).items():
            await add(connection, LabelRow(subject=job.id, key=key, value=value))
    service.reconciler.wake()


async def adopted(service: Service, job_id: str) -> None:
    """Take in a job as a delivery about it does: it is watched, and not handed on."""
    async with service.store.writing() as connection:
        identity = ("gateway", "batch", job_id)
        await jobs.bear(connection, service.store.new_id(), identity, Origin.DELIVERY, now())
    service.reconciler.wake()


async def outbox(service: Service) -> list[HandoffRow]:
    """All hand-offs, oldest first."""
    async with service.store.reading() as connection:
        return list(reversed(await handoffs.newest(connection, Part())))


async def all_are(service: Service, count: int, *states: str) -> list[HandoffRow]:
    """Wait until there are so many hand-offs, and all are in one of these states."""

    async def so() -> list[HandoffRow] | None:
        rows = await outbox(service)
        return rows if len(rows) == count and all(row.state in states for row in rows) else None

    found: list[HandoffRow] = await until(so, f"{count} hand-offs to be {' or '.join(states)}")
    return found


async def states_are(service: Service, *states: str) -> list[HandoffRow]:
    """Wait until there are hand-offs in exactly these states, one for each."""

    async def so() -> list[HandoffRow] | None:
        rows = await outbox(service)
        return rows if sorted(row.state for row in rows) == sorted(states) else None

    found: list[HandoffRow] = await until(so, f"hand-offs to be {', '.join(states)}")
    return found


def data_of(row: HandoffRow) -> dict[str, Any]:
    return dict(json.loads(row.event)["data"])


@asynccontextmanager
async def told(
    script: Script, down: Downstream, wishes: Mapping[str, Mapping[str, Any]] | None = None, **options: Any
) -> AsyncIterator[Service]:
    """
    A service whose provider answers by a script, and which tells `down`, as one target or as several with their wishes.

    One with a type of its own stands for itself.
    """
    async with Provider(script).listening() as provider, down.listening():
        wished = (wishes or {"down": {}}).items()
        targets = {name: wish if "type" in wish else {**down.table, **wish} for name, wish in wished}
        async with service(provider.base_url, handoffs=targets, **options) as running:
            yield running
