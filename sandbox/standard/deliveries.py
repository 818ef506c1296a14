"""The sender: posts the events of a task to the account's one endpoint, and tries again until a 2xx, or four times."""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

from sandbox.clock import Clock, iso_ms, unix
from sandbox.posting import Poster
from sandbox.standard.tasks import Task
from sandbox.standard_webhooks import signed_headers

RETRY_DELAYS = (5.0, 30.0, 120.0)  # seconds of life; this sender's own, as the standard leaves them to each
TIMEOUT = 15.0
LATE = 60.0


class Sender:
    """Sends webhooks. `open` it inside the loop that will use it, `close` it there. `url` says where they go just now."""

    def __init__(self, clock: Clock, secret: str, url: Callable[[], str]) -> None:
        self._clock = clock
        self._secret = secret
        self._url = url
        self._poster = Poster(clock, TIMEOUT)
        self._wrong_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    def open(self) -> None:
        self._poster.open()

    async def close(self) -> None:
        await self._poster.close()

    async def tell(self, task: Task, event: str, status: str) -> None:
        """See one event through to a 2xx or to giving up, with what is to go wrong with it. Its id stays the same."""
        if "lost" in task.order.webhooks:
            return
        if "delayed" in task.order.webhooks:
            await asyncio.sleep(self._clock.real(LATE))
        message_id = f"msg_{secrets.token_hex(12)}"
        data = {"id": task.id, "status": status}
        body = {"type": event, "timestamp": iso_ms(self._clock.now()), "data": data}
        content = json.dumps(body, separators=(",", ":")).encode()
        copies = 3 if "duplicated" in task.order.webhooks else 1
        for attempt, delay in enumerate((*RETRY_DELAYS, None), 1):
            delivered = [
                *await asyncio.gather(
                    *(self._send(task, event, message_id, content, attempt) for _ in range(copies - 1))
                ),
                await self._send(task, event, message_id, content, attempt),
            ]
            if any(delivered) or delay is None:
                return
            await asyncio.sleep(self._clock.real(delay))

    async def _send(self, task: Task, event: str, message_id: str, content: bytes, attempt: int) -> bool:
        secret = self._wrong_secret if "missigned" in task.order.webhooks else self._secret
        now = self._clock.now()
        headers = {"content-type": "application/json", **signed_headers(secret, message_id, unix(now), content)}
        answer = await self._poster.post(self._url(), headers, content)
        told: dict[str, Any] = {
            "event": event,
            "message_id": message_id,
            "attempt": attempt,
            "at": iso_ms(now),
            "outcome": answer.outcome,
            "response_status": answer.status,
            "error": answer.error,
        }
        task.sent.append(told)
        return answer.delivered
