"""Telling by HTTP: one POST of the event, signed by Standard Webhooks. Any 2xx is done.

Redirects are not followed, no proxy or netrc is taken from the environment, and of an answer only its beginning is read.
"""

import asyncio
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from reconciler.events import HANDOFF
from reconciler.outcome import Attempt
from reconciler.telling import LONGEST_MESSAGE, Clock
from schemas.config import Secret
from schemas.ids import shown
from schemas.retry_after import retry_after
from schemas.tables import HandoffRow
from schemas.texts import clean
from schemas.times import SECOND
from storage.points import reach

CONTENT_TYPE = "application/cloudevents+json"
_HEADERS = {"accept-encoding": "identity", "user-agent": "batchkeeper/0.1", "content-type": CONTENT_TYPE}


class HttpTelling:
    """Tells one URL. `timeout` in seconds bounds a whole attempt, `clock` answers in microseconds since 1970."""

    def __init__(
        self, url: str, secret: Secret, timeout: float, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url, self._timeout, self._clock = url, timeout, clock
        self._webhook = Webhook(secret.reveal())
        self._http = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeout),
            headers=_HEADERS,
            transport=transport,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def tell(self, handoff: HandoffRow) -> Attempt:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(handoff)
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(False, message=f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            return Attempt(False, message=clean(f"{type(error).__name__}: {error}", LONGEST_MESSAGE))

    async def _post(self, handoff: HandoffRow) -> Attempt:
        headers, content = self._signed(handoff), handoff.event.encode()
        async with self._http.stream("POST", self._url, headers=headers, content=content) as answer:
            reach("H2")
            if answer.is_success:
                return Attempt(True, answer.status_code)
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Attempt(False, answer.status_code, await _refusal(answer), retry_after(named))

    def _signed(self, handoff: HandoffRow) -> dict[str, str]:
        """The headers that any library of Standard Webhooks verifies; made anew for each attempt, for the sake of the time."""
        name, seconds = shown(HANDOFF, handoff.id), self._clock() // SECOND
        return {
            "webhook-id": name,
            "webhook-timestamp": str(seconds),
            "webhook-signature": self._webhook.sign(name, datetime.fromtimestamp(seconds, UTC), handoff.event),
        }


async def _refusal(answer: httpx.Response) -> str:
    """What an answer that is no success says."""
    head = f"HTTP {answer.status_code}"
    if answer.is_redirect:
        return f"{head}: redirects are not followed"
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) >= LONGEST_MESSAGE:
            break
    text = clean(bytes(body[:LONGEST_MESSAGE]).decode(errors="replace").strip(), LONGEST_MESSAGE)
    return f"{head}: {text}" if text else head
