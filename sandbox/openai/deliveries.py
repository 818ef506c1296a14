"""The sender of webhooks: thin events, signed anew for each attempt, under one message id for all of them.

Of OpenAI's retries no more is known than that they go on for up to 72 hours, and that everything but 2xx is a failure; the
pauses are our guess. Webhook words of a scenario bend the event of the end; what is sent by hand goes straight.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock, iso_ms, unix
from sandbox.deliveries import LATE
from sandbox.generations import G2
from sandbox.openai import ids
from sandbox.openai.batches import Batch
from sandbox.openai.endpoint import Endpoint
from sandbox.posting import Answer, Poster
from sandbox.standard_webhooks import signed_headers

PAUSES = (60.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 72_000.0, 86_400.0)  # seconds of life, not quite 72 hours
WRONG_SECRET = "whsec_YW5vdGhlciBzZWNyZXQgdGhhbiB0aGUgcmlnaHQgb25l"


@dataclass(frozen=True)
class Message:
    """One event on its way: its id is the same for every attempt."""

    id: str
    type: str
    body: bytes


def message_of(batch: Batch, event_type: str, created_at: int) -> Message:
    """What it says of a batch is its id, and nothing else."""
    body = {
        "object": "event",
        "id": ids.event_id(),
        "type": event_type,
        "created_at": created_at,
        "data": {"id": batch.id},
    }
    return Message(ids.message_id(), event_type, json.dumps(body, separators=(",", ":")).encode())


class Sender:
    """Sends events to the project's endpoint. `open` it inside the loop that will use it, `close` it there."""

    def __init__(self, clock: Clock, endpoint: Endpoint) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._poster = Poster(clock, G2.delivery_seconds)  # as patient as the gateway, and follows no redirect either

    def open(self) -> None:
        self._poster.open()

    async def close(self) -> None:
        await self._poster.close()

    async def announce(self, batch: Batch, event_type: str) -> None:
        """See the event of an end through to delivery or to giving up."""
        message = message_of(batch, event_type, unix(self._clock.now()))
        if "webhook_lost" in batch.scenario or event_type not in self._endpoint.event_types:
            return
        if "webhook_delayed" in batch.scenario:
            await asyncio.sleep(self._clock.real(LATE))
        for attempt, pause in enumerate((*PAUSES, None), 1):
            if await self._attempt(batch, message, attempt) or pause is None:
                return
            await asyncio.sleep(self._clock.real(pause))

    async def send_once(self, batch: Batch, event_type: str) -> Answer:
        """One request, well signed, under a message id of its own, whatever the scenario says."""
        message = message_of(batch, event_type, unix(self._clock.now()))
        return await self._send(batch, message, 1, self._endpoint.secret, message.body)

    async def _attempt(self, batch: Batch, message: Message, attempt: int) -> bool:
        scenario, body = batch.scenario, message.body
        secret: str | None = self._endpoint.secret
        if "webhook_badly_signed" in scenario or ("webhook_badly_signed_once" in scenario and attempt == 1):
            secret = WRONG_SECRET
        if "webhook_unsigned" in scenario:
            secret = None
        if "webhook_tampered" in scenario:
            body = body.replace(batch.id.encode(), ids.batch_id().encode())
        copies = 3 if "webhook_repeated" in scenario else 1
        together = [self._send(batch, message, attempt, secret, body) for _ in range(copies - 1)]
        answers = await asyncio.gather(*together)
        answers.append(await self._send(batch, message, attempt, secret, body))
        return any(answer.delivered for answer in answers)

    async def _send(self, batch: Batch, message: Message, attempt: int, secret: str | None, body: bytes) -> Answer:
        """Post one request, signed over the message as it should be, and note it if it got there."""
        now = self._clock.now()
        headers = {"content-type": "application/json", "user-agent": "OpenAI/1.0 (sandbox)"}
        if secret is not None:
            headers |= signed_headers(secret, message.id, unix(now), message.body)
        answer = await self._poster.post(self._endpoint.url, headers, body)
        if answer.reached:
            batch.sent.append(_noted(message, attempt, iso_ms(now), answer))
        return answer


def _noted(message: Message, attempt: int, at: str, answer: Answer) -> dict[str, Any]:
    return {
        "event": message.type,
        "message_id": message.id,
        "attempt": attempt,
        "at": at,
        "outcome": answer.outcome,
        "response_status": answer.status,
    }
