"""The sender: builds, signs and posts webhooks, tries four times, writes down what came of it (contract 4).

Retries come exactly after 60 s, 5 min and 15 min of life. The gateway's own 5-minute retry tick, which rounds
these up, is left out. Webhook words of a scenario bend the terminal webhook only; what is told before the end is always
sent straight.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import ids
from sandbox.account import MAX_ATTEMPTS
from sandbox.clock import Clock, iso_ms, unix
from sandbox.endpoints import Endpoint, new_secret, target_of
from sandbox.events import Event
from sandbox.generations import G2, Generation
from sandbox.jobs import Job
from sandbox.posting import Answer, Poster, timed_out
from sandbox.scenarios import Scenario
from sandbox.signing import event_id, signature
from sandbox.snapshots import Snapshots
from sandbox.subscriptions import is_subscribed

RETRY_DELAYS = (60.0, 300.0, 900.0)
TIMEOUT = 30.0
LATE = 180.0
ENDS = frozenset({"completed", "failed", "cancelled", "expired"})


@dataclass(frozen=True)
class Plan:
    """How the terminal webhook of a job is sent: by which road, how late, how often, how well signed.

    `spoiled` says what is wrong with the first `spoiled_attempts`: their secret, that they have none, or their body.
    """

    road: str = "receiver"
    late: float = 0.0
    copies: int = 1
    spoiled: str = ""
    spoiled_attempts: int = MAX_ATTEMPTS


def plan_for(scenario: Scenario) -> Plan:
    roads = {
        "webhook_lost": "none",
        "webhook_given_up": "closed_port",
        "webhook_timed_out": "nowhere",
        "webhook_phantom": "elsewhere",
    }
    spoils = {
        "webhook_badly_signed": "secret",
        "webhook_badly_signed_once": "secret",
        "webhook_unsigned": "unsigned",
        "webhook_tampered": "body",
    }
    return Plan(
        road=next((road for word, road in roads.items() if word in scenario), "receiver"),
        late=LATE if "webhook_delayed" in scenario else 0.0,
        copies=3 if "webhook_repeated" in scenario else 1,
        spoiled=next((spoiled for word, spoiled in spoils.items() if word in scenario), ""),
        spoiled_attempts=1 if "webhook_badly_signed_once" in scenario else MAX_ATTEMPTS,
    )


class Sender:
    """Sends events of jobs. `open` it inside the loop that will use it, `close` it there."""

    def __init__(
        self, clock: Clock, endpoints: Mapping[str, Endpoint], snapshots: Snapshots, generation: Generation
    ) -> None:
        self._clock = clock
        self._endpoints = endpoints
        self._snapshots = snapshots
        self._generation = generation
        redirects = generation.follows_redirects
        self._poster = Poster(clock, generation.delivery_seconds, follows_redirects=redirects)
        self._wrong_secret = new_secret()

    def open(self) -> None:
        self._poster.open()

    async def close(self) -> None:
        await self._poster.close()

    async def deliver(self, job: Job, event: Event, first_done: asyncio.Event, *, forced: bool = False) -> None:
        """See one event through to delivery or to giving up; `forced` sends it even if nobody subscribed."""
        ends = event.phase in ENDS
        plan = plan_for(job.scenario) if ends else Plan()
        try:
            await asyncio.sleep(self._clock.real(plan.late))
            for attempt in range(1, MAX_ATTEMPTS + 1):
                if not self._may_go(job, event, attempt, forced) or plan.road == "none":
                    return
                delivered = await self._attempt(job, event, attempt, plan)
                first_done.set()
                if delivered or attempt == MAX_ATTEMPTS:
                    return
                await asyncio.sleep(self._clock.real(RETRY_DELAYS[attempt - 1]))
        finally:
            first_done.set()
            if ends:
                job.told_at = job.told_at or self._clock.now()

    async def send_once(self, job: Job, event: Event) -> tuple[int, Answer]:
        """One request, well signed, to the job's endpoint, outside the account; with the attempt that it claims."""
        attempt = min(job.account.attempts_of(event.key) + 1, MAX_ATTEMPTS)
        return attempt, await self._send(job, event, attempt)

    async def send_test(self, endpoint: Endpoint) -> tuple[str, Answer]:
        """One delivery to try an endpoint with, and its event id. What G3 sends is not in the contract.

        Here it is `batch.created` about an id that nobody has, the least that a receiver can read.
        """
        event, job_id, now = Event("batch", "created"), ids.batch_id(), self._clock.now()
        data = {"id": job_id, "object": "batch", "kind": "batch", "status": "pending", "lifecycle_status": "pending"}
        body = self._written(job_id, event, 1, now, data)
        told = headers_for(job_id, event.key, 1, self._generation)
        told |= signed_headers(endpoint.secret, now, body, self._generation)
        return told[f"{self._generation.header_prefix}event-id"], await self._poster.post(endpoint.url, told, body)

    def _may_go(self, job: Job, event: Event, attempt: int, forced: bool) -> bool:
        """The endpoint is asked anew each time; a first attempt is skipped in silence, a retry is called off.

        Of a deleted job nothing is sent, and there is no account to say so in.
        """
        if job.is_deleted:
            return False
        obstacle, choice = None, job.webhook
        target = target_of(choice, self._endpoints) if choice else None
        if choice is None or target is None or not target.live:
            obstacle = "Webhook configuration is no longer valid."
        elif not forced and not is_subscribed(event.kind, event.phase, choice.events, target.events, self._generation):
            obstacle = "Webhook configuration no longer subscribes to this event."
        if obstacle and attempt > 1:
            now = self._clock.now()
            job.account.record(event.key, attempt, now, "failed_permanently", error=obstacle, sent=False)
        return obstacle is None

    async def _attempt(self, job: Job, event: Event, attempt: int, plan: Plan) -> bool:
        tried_at = self._clock.now()
        job.updated_at = tried_at
        if event.phase in ENDS:
            job.told_at = job.told_at or tried_at
        answer = await self._go(job, event, attempt, plan)
        now = self._clock.now()
        again = not answer.delivered and attempt < MAX_ATTEMPTS
        job.account.record(
            event.key,
            attempt,
            tried_at,
            "delivered" if answer.delivered else "scheduled_retry" if again else "failed_permanently",
            next_retry_at=self._clock.later(now, RETRY_DELAYS[attempt - 1]) if again else None,
            response_status=answer.status,
            error=answer.error,
            preview=answer.preview,
        )
        if event.bucket is not None:
            job.account.record_progress(event.bucket, tried_at)
        job.updated_at = now
        return answer.delivered

    async def _go(self, job: Job, event: Event, attempt: int, plan: Plan) -> Answer:
        """By the road that the plan names; where it is sent more than once, the best answer counts."""
        if plan.road == "elsewhere":
            return Answer(200, "ok")
        if plan.road == "nowhere":
            await asyncio.sleep(self._clock.real(TIMEOUT))
            return Answer(error=timed_out(TIMEOUT))
        if plan.road == "closed_port":
            return await self._poster.post_nowhere()
        spoiled = plan.spoiled if attempt <= plan.spoiled_attempts else ""
        answers = await asyncio.gather(*(self._send(job, event, attempt, spoiled) for _ in range(plan.copies - 1)))
        answers.append(await self._send(job, event, attempt, spoiled))
        return next((answer for answer in answers if answer.delivered), answers[-1])

    async def _send(self, job: Job, event: Event, attempt: int, spoiled: str = "") -> Answer:
        """Build, sign and post one request to the receiver, and note it if it got there."""
        choice, now = job.webhook, self._clock.now()
        assert choice is not None  # noqa: S101 - nothing is announced of a job without a webhook
        target = target_of(choice, self._endpoints)
        body = self._written(job.id, event, attempt, now, self._snapshots.of(job, bucket=event.bucket))
        secret = self._wrong_secret if spoiled == "secret" else target.secret
        told = headers_for(job.id, event.key, attempt, self._generation)
        if secret is not None and spoiled != "unsigned":
            told |= signed_headers(secret, now, body, self._generation)
        answer = await self._poster.post(target.url, told, _tampered(body) if spoiled == "body" else body)
        if answer.reached:
            job.sent.append(
                {
                    "delivery_key": event.key,
                    "attempt": attempt,
                    "at": iso_ms(now),
                    "outcome": answer.outcome,
                    "response_status": answer.status,
                }
            )
        return answer

    def _written(self, job_id: str, event: Event, attempt: int, now: datetime, data: dict[str, Any]) -> bytes:
        """Compact JSON, UTF-8, in the gateway's order; `data` is what the job looks like now."""
        told: dict[str, Any] = {"type": event.type, "created_at": unix(now)}
        if self._generation.identifies_deliveries:
            delivery = {"key": event.key, "attempt": attempt, "max_attempts": MAX_ATTEMPTS}
            told = {"id": event_id(event.kind, job_id, event.key)} | told | {"delivery": delivery}
        told["data"] = data
        if event.change:
            told["status_change"] = dict(zip(("previous_status", "status"), event.change, strict=True))
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _tampered(body: bytes) -> bytes:
    """The same event, with a status that nobody signed."""
    event = json.loads(body)
    event["data"]["status"] = "failed" if event["data"]["status"] == "completed" else "completed"
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def headers_for(job_id: str, key: str, attempt: int, generation: Generation = G2) -> dict[str, str]:
    """The headers of contract 4.1 that no signature covers."""
    told = {"Content-Type": "application/json", "User-Agent": generation.user_agent}
    if generation.identifies_deliveries:
        type_, prefix = key.partition(":")[0], generation.header_prefix
        told |= {
            f"{prefix}event-id": event_id(type_.partition(".")[0], job_id, key),
            f"{prefix}event-type": type_,
            f"{prefix}delivery-key": key,
            f"{prefix}attempt": str(attempt),
            f"{prefix}max-attempts": str(MAX_ATTEMPTS),
        }
    return told


def signed_headers(secret: str, now: datetime, body: bytes, generation: Generation = G2) -> dict[str, str]:
    """Made anew for every request: the timestamp is that of the attempt."""
    timestamp, prefix = str(unix(now)), generation.header_prefix
    return {f"{prefix}timestamp": timestamp, f"{prefix}signature": signature(secret, timestamp, body)}
