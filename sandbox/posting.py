"""One POST to a receiver, and what came of it (contract 4.7)."""

import asyncio
import socket
from dataclasses import dataclass

import httpx

from sandbox.clock import Clock

SHORTEST_TIMEOUT = 2.0  # wall seconds: however fast the clock, a receiver needs a moment
PREVIEW_BYTES = 500


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


class Poster:
    """Posts to receivers. `open` it inside the loop that will use it, `close` it there.

    It waits so many `seconds` of life for an answer; None: for ever. Where it follows redirects, it does so as any browser
    would: after a 301, 302 or 303 it comes with a GET and without the body.
    """

    def __init__(self, clock: Clock, seconds: float | None, *, follows_redirects: bool = False) -> None:
        self._follows_redirects = follows_redirects
        self._patience = None if seconds is None else max(SHORTEST_TIMEOUT, clock.real(seconds))

    def open(self) -> None:
        # A fresh connection for each request: a kept one that a restarting receiver has closed would look like
        # a failure of the receiver.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(trust_env=False, timeout=None, limits=limits)  # noqa: S113
        self._closed_port = socket.socket()
        self._closed_port.bind(("127.0.0.1", 0))  # bound and never listening: connections are refused

    async def close(self) -> None:
        self._closed_port.close()
        await self._client.aclose()

    async def post_nowhere(self) -> Answer:
        """To a port where nobody listens."""
        return await self.post(f"http://127.0.0.1:{self._closed_port.getsockname()[1]}/", {}, b"")

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        follows = self._follows_redirects
        try:
            async with asyncio.timeout(self._patience):
                request = self._client.build_request("POST", url, headers=headers, content=body)
                response = await self._client.send(request, stream=True, follow_redirects=follows)
        except TimeoutError:
            return Answer(error=timed_out(self._patience or 0))
        except (httpx.HTTPError, httpx.InvalidURL) as trouble:
            reached = not isinstance(trouble, httpx.ConnectError | httpx.InvalidURL)
            return Answer(error=f"Webhook request failed: {trouble or type(trouble).__name__}", reached=reached)
        try:
            return Answer(response.status_code, await _preview(response), self._complaint(response.status_code))
        finally:
            await response.aclose()

    def _complaint(self, status: int) -> str | None:
        if 200 <= status < 300:
            return None
        if 300 <= status < 400 and not self._follows_redirects:
            return "Webhook redirects are not allowed"
        return f"Webhook returned HTTP {status}"


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


def timed_out(seconds: float) -> str:
    return f"Webhook request timed out after {round(seconds * 1000)}ms"
