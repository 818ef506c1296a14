"""The sender: posts the webhook of a job that is over, tries six times, writes down what came of it (contract 9.3)."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime

from sandbox.clock import Clock, iso_ms
from sandbox.posting import Answer, Poster
from sandbox.thunderbit.jobs import Job, WebhookChoice, true_snapshot
from sandbox.thunderbit.life import COMPLETED, FAILED
from sandbox.thunderbit.switches import Switches
from sandbox.thunderbit.webhooks import body_of, headers_for

RETRY_DELAYS = (10.0, 30.0, 120.0, 600.0, 1_800.0)
TIMEOUT = 15.0
LATE = 60.0


class Sender:
    """Sends webhooks of jobs. `open` it inside the loop that will use it, `close` it there."""

    def __init__(self, clock: Clock, switches: Callable[[], Switches]) -> None:
        self._clock = clock
        self._switches = switches
        self._poster = Poster(clock, TIMEOUT)
        self._wrong_secret = f"whsec_{secrets.token_hex(16)}"

    def open(self) -> None:
        self._poster.open()

    async def close(self) -> None:
        await self._poster.close()

    async def announce(self, job: Job) -> None:
        """See the webhook of a job that is over through to delivery or to giving up, and what its scenario adds to it."""
        choice, scenario = job.order.webhook, job.scenario
        if choice is None or "webhook_lost" in scenario:
            return
        if "webhook_delayed" in scenario:
            await asyncio.sleep(self._clock.real(LATE))
        true = job.end.status
        await self._tell(job, choice, other_end(true) if "webhook_wrong" in scenario else true)
        if "webhook_conflicting" in scenario:
            await self._tell(job, choice, other_end(true))

    async def send_once(self, job: Job, choice: WebhookChoice) -> Answer:
        """One request, true and well signed."""
        job.attempts += 1
        return await self._send(job, choice, job.end.status, job.attempts)

    async def _tell(self, job: Job, choice: WebhookChoice, said: str) -> None:
        """Six attempts at most; a forgotten job is told of no more."""
        for turn, delay in enumerate((*RETRY_DELAYS, None)):
            if job.is_deleted:
                return
            job.attempts += 1
            job.told_at = job.told_at or self._clock.now()
            delivered = await self._attempt(job, choice, said, spoiled=_spoiled(job, turn))
            job.first_told.set()
            if delivered or delay is None:
                return
            await asyncio.sleep(self._clock.real(delay * self._switches().retry_scale))

    async def _attempt(self, job: Job, choice: WebhookChoice, said: str, spoiled: str) -> bool:
        """Where it is sent more than once, the best answer counts."""
        number, copies = job.attempts, 3 if "webhook_repeated" in job.scenario else 1
        answers = await asyncio.gather(*(self._send(job, choice, said, number, spoiled) for _ in range(copies - 1)))
        answers.append(await self._send(job, choice, said, number, spoiled))
        return any(answer.delivered for answer in answers)

    async def _send(self, job: Job, choice: WebhookChoice, said: str, number: int, spoiled: str = "") -> Answer:
        """Build, sign and post one request, and note what came of it."""
        now, switches = self._clock.now(), self._switches()
        found = true_snapshot(job, self._clock, now)
        body = body_of(job, said, found, self._clock, switches)
        secret = choice.secret
        if secret is not None and spoiled == "secret":
            secret = self._wrong_secret
        scheme = "none" if spoiled == "unsigned" else switches.signature
        headers = headers_for(secret, self._signed_at(job, now), body, scheme)
        if spoiled == "body":
            body = body_of(job, other_end(said), found, self._clock, switches)
        answer = await self._post(job, choice, headers, body)
        job.sent.append(
            {
                "attempt": number,
                "at": iso_ms(now),
                "said": said,
                "outcome": answer.outcome,
                "response_status": answer.status,
                "response_body_preview": answer.preview,
                "error": answer.error,
            }
        )
        return answer

    async def _post(self, job: Job, choice: WebhookChoice, headers: dict[str, str], body: bytes) -> Answer:
        if "webhook_given_up" in job.scenario:
            return await self._poster.post_nowhere()
        return await self._poster.post(choice.url, headers, body)

    def _signed_at(self, job: Job, now: datetime) -> datetime:
        """Of this attempt, or of the first one: it is not stated which."""
        return job.told_at if job.told_at and self._switches().timestamp == "fixed" else now


def other_end(status: str) -> str:
    return FAILED if status == COMPLETED else COMPLETED


def _spoiled(job: Job, turn: int) -> str:
    """What is wrong with an attempt: its secret, that it is unsigned, its body, or nothing."""
    if "webhook_badly_signed_once" in job.scenario:
        return "secret" if turn == 0 else ""
    spoils = {"webhook_badly_signed": "secret", "webhook_unsigned": "unsigned", "webhook_tampered": "body"}
    return next((spoiled for word, spoiled in spoils.items() if word in job.scenario), "")
