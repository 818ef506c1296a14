"""The sender: builds, signs and posts webhooks, tries four times, writes down what came of it (contract 4).

Retries come exactly after 60 s, 5 min and 15 min of life. The gateway's own 5-minute retry tick, which rounds
these up, is left out. Webhook words of a scenario bend the terminal webhook only; batch.created is always sent
straight.
"""

import asyncio
import json
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from sandbox.account import MAX_ATTEMPTS
from sandbox.batches import Batch
from sandbox.clock import Clock, iso_ms, unix
from sandbox.endpoints import Endpoint, is_subscribed, new_secret
from sandbox.objects import push_object
from sandbox.scenarios import Scenario
from sandbox.signing import event_id, signature

RETRY_DELAYS = (60.0, 300.0, 900.0)
TIMEOUT = 30.0
SHORTEST_TIMEOUT = 2.0  # wall seconds: however fast the clock, a receiver needs a moment
PREVIEW_BYTES = 500
LATE = 180.0


@dataclass(frozen=True)
class Plan:
    """How the terminal webhook of a batch is sent: by which road, how late, how often, how well signed."""

    road: str = "receiver"
    late: float = 0.0
    copies: int = 1
    badly_signed_attempts: int = 0


@dataclass(frozen=True)
class Answer:
    """What the receiver made of one request; `reached` is false where no connection came about."""

    status: int | None = None
    preview: str | None = None
    error: str | None = None
    reached: bool = True

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def outcome(self) -> str:
        if self.delivered:
            return "delivered"
        if self.status is not None:
            return "rejected"
        return "timed_out" if self.error and "timed out" in self.error else "broken"


def plan_for(scenario: Scenario) -> Plan:
    roads = {
        "webhook_lost": "none",
        "webhook_given_up": "closed_port",
        "webhook_timed_out": "nowhere",
        "webhook_phantom": "elsewhere",
    }
    bad = MAX_ATTEMPTS if "webhook_badly_signed" in scenario else 1 if "webhook_badly_signed_once" in scenario else 0
    return Plan(
        road=next((road for word, road in roads.items() if word in scenario), "receiver"),
        late=LATE if "webhook_delayed" in scenario else 0.0,
        copies=3 if "webhook_repeated" in scenario else 1,
        badly_signed_attempts=bad,
    )


class Sender:
    """Posts to endpoints. `open` it inside the loop that will use it, `close` it there."""

    def __init__(self, clock: Clock, endpoints: dict[str, Endpoint], public_base: str) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._public_base = public_base
        self._wrong_secret = new_secret()
        self._patience = max(SHORTEST_TIMEOUT, clock.real(TIMEOUT))

    def open(self) -> None:
        # A fresh connection for each request: a kept one that a restarting receiver has closed would look like
        # a failure of the receiver.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None, limits=limits)  # noqa: S113
        self._closed_port = socket.socket()
        self._closed_port.bind(("127.0.0.1", 0))  # bound and never listening: connections are refused

    async def close(self) -> None:
        self._closed_port.close()
        await self._client.aclose()

    async def deliver(self, batch: Batch, phase: str, first_done: asyncio.Event, *, forced: bool = False) -> None:
        """See one event through to delivery or to giving up; `forced` sends it even if nobody subscribed."""
        plan = Plan() if phase == "created" else plan_for(batch.scenario)
        try:
            await asyncio.sleep(self._clock.real(plan.late))
            for attempt in range(1, MAX_ATTEMPTS + 1):
                if not self._may_go(batch, phase, attempt, forced) or plan.road == "none":
                    return
                delivered = await self._attempt(batch, phase, attempt, plan)
                first_done.set()
                if delivered or attempt == MAX_ATTEMPTS:
                    return
                await asyncio.sleep(self._clock.real(RETRY_DELAYS[attempt - 1]))
        finally:
            first_done.set()
            if phase != "created":
                batch.told_at = batch.told_at or self._clock.now()

    async def send_once(self, batch: Batch, phase: str) -> tuple[int, Answer]:
        """One request, well signed, to the batch's endpoint, outside the account; with the attempt that it claims."""
        key = f"batch.{phase}"
        attempt = min(batch.account.attempts_of(key) + 1, MAX_ATTEMPTS)
        return attempt, await self._send(batch, key, attempt, badly=False)

    def _may_go(self, batch: Batch, phase: str, attempt: int, forced: bool) -> bool:
        """The endpoint is asked anew each time; a first attempt is skipped in silence, a retry is called off."""
        obstacle, choice = None, batch.order.webhook
        endpoint = self._endpoints.get(choice.endpoint_id) if choice else None
        if choice is None or endpoint is None or not endpoint.live:
            obstacle = "Webhook configuration is no longer valid."
        elif not forced and not is_subscribed(phase, choice.events, endpoint.events):
            obstacle = "Webhook configuration no longer subscribes to this event."
        if obstacle and attempt > 1:
            now = self._clock.now()
            batch.account.record(f"batch.{phase}", attempt, now, "failed_permanently", error=obstacle, sent=False)
        return obstacle is None

    async def _attempt(self, batch: Batch, phase: str, attempt: int, plan: Plan) -> bool:
        key, tried_at = f"batch.{phase}", self._clock.now()
        batch.updated_at = tried_at
        if phase != "created":
            batch.told_at = batch.told_at or tried_at
        answer = await self._go(batch, key, attempt, plan)
        now = self._clock.now()
        again = not answer.delivered and attempt < MAX_ATTEMPTS
        batch.account.record(
            key,
            attempt,
            tried_at,
            "delivered" if answer.delivered else "scheduled_retry" if again else "failed_permanently",
            next_retry_at=self._clock.later(now, RETRY_DELAYS[attempt - 1]) if again else None,
            response_status=answer.status,
            error=answer.error,
            preview=answer.preview,
        )
        batch.updated_at = now
        return answer.delivered

    async def _go(self, batch: Batch, key: str, attempt: int, plan: Plan) -> Answer:
        """By the road that the plan names; where it is sent more than once, the best answer counts."""
        if plan.road == "elsewhere":
            return Answer(200, "ok")
        if plan.road == "nowhere":
            await asyncio.sleep(self._clock.real(TIMEOUT))
            return Answer(error=_timed_out(TIMEOUT))
        if plan.road == "closed_port":
            return await self._post(f"http://127.0.0.1:{self._closed_port.getsockname()[1]}/", {}, b"")
        badly = attempt <= plan.badly_signed_attempts
        if plan.copies == 1:
            return await self._send(batch, key, attempt, badly=badly)
        answers = await asyncio.gather(*(self._send(batch, key, attempt, badly=badly) for _ in range(plan.copies - 1)))
        answers.append(await self._send(batch, key, attempt, badly=badly))
        return next((answer for answer in answers if answer.delivered), answers[-1])

    async def _send(self, batch: Batch, key: str, attempt: int, *, badly: bool) -> Answer:
        """Build, sign and post one request to the receiver, and note it if it got there."""
        choice = batch.order.webhook
        assert choice is not None  # noqa: S101 - nothing is announced of a batch without a webhook
        endpoint, now = self._endpoints[choice.endpoint_id], self._clock.now()
        body = self._body(batch, key, attempt, now)
        secret = self._wrong_secret if badly else endpoint.secret
        told = headers_for(batch.id, key, attempt) | signed_headers(secret, now, body)
        answer = await self._post(endpoint.url, told, body)
        if answer.reached:
            batch.sent.append(
                {
                    "delivery_key": key,
                    "attempt": attempt,
                    "at": iso_ms(now),
                    "outcome": answer.outcome,
                    "response_status": answer.status,
                }
            )
        return answer

    def _body(self, batch: Batch, key: str, attempt: int, now: datetime) -> bytes:
        """Compact JSON, UTF-8, in the gateway's order; `data` is what the batch looks like now."""
        event: dict[str, Any] = {
            "id": event_id("batch", batch.id, key),
            "type": key,
            "created_at": unix(now),
            "delivery": {"key": key, "attempt": attempt, "max_attempts": MAX_ATTEMPTS},
            "data": push_object(batch, self._public_base),
        }
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            async with asyncio.timeout(self._patience):
                request = self._client.build_request("POST", url, headers=headers, content=body)
                response = await self._client.send(request, stream=True)
        except TimeoutError:
            return Answer(error=_timed_out(self._patience))
        except httpx.HTTPError as trouble:
            reached = not isinstance(trouble, httpx.ConnectError)
            return Answer(error=f"Webhook request failed: {trouble or type(trouble).__name__}", reached=reached)
        try:
            return Answer(response.status_code, await _preview(response), _complaint(response.status_code))
        finally:
            await response.aclose()


def headers_for(job_id: str, key: str, attempt: int) -> dict[str, str]:
    """The headers of contract 4.1 that no signature covers."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Phaseo-Async-Webhook/1.0",
        "x-phaseo-event-id": event_id("batch", job_id, key),
        "x-phaseo-event-type": key,
        "x-phaseo-delivery-key": key,
        "x-phaseo-attempt": str(attempt),
        "x-phaseo-max-attempts": str(MAX_ATTEMPTS),
    }


def signed_headers(secret: str, now: datetime, body: bytes) -> dict[str, str]:
    """Made anew for every request: the timestamp is that of the attempt."""
    timestamp = str(unix(now))
    return {"x-phaseo-timestamp": timestamp, "x-phaseo-signature": signature(secret, timestamp, body)}


async def _preview(response: httpx.Response) -> str:
    """The first 500 bytes; a body that stalls or breaks off does not undo a 2xx."""
    kept = b""
    try:
        async with asyncio.timeout(SHORTEST_TIMEOUT):
            async for chunk in response.aiter_bytes():
                kept += chunk
                if len(kept) >= PREVIEW_BYTES:
                    break
    except (TimeoutError, httpx.HTTPError):
        pass
    return kept[:PREVIEW_BYTES].decode("utf-8", "replace")


def _complaint(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "Webhook redirects are not allowed"
    return f"Webhook returned HTTP {status}"


def _timed_out(seconds: float) -> str:
    return f"Webhook request timed out after {round(seconds * 1000)}ms"
