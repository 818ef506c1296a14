"""The HTTP client of one source. Whatever the other side does, a question ends in time, within bounds, as a value.

The key goes to the configured origin only, and that is checked here and not by callers. Redirects are not followed, no
proxy or netrc is taken from the environment, and answers that come compressed or too large are not read.
"""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from schemas.config import Secret
from schemas.readings import Question, Response, Troubled
from schemas.texts import clean
from schemas.words import Trouble
from storage.points import reach

_QUIET = ("", "")


class Readable(Protocol):
    """A file to be sent. Its length is read from its descriptor."""

    def read(self, size: int = -1, /) -> bytes: ...
    def fileno(self) -> int: ...


class Client:
    """Asks one source. `timeout` in seconds bounds a whole call, from the connection to the last byte."""

    def __init__(
        self,
        base_url: str,
        api_key: Secret,
        timeout: float,
        max_answer_bytes: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._origin = _origin(httpx.URL(base_url))
        self._api_key = api_key
        self._timeout = timeout
        self._limit = max_answer_bytes
        self._http = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeout),
            headers={"accept-encoding": "identity", "user-agent": "batchkeeper/0.1", "accept": "application/json"},
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, question: Question, points: tuple[str, str] = _QUIET) -> Response | Troubled:
        """Ask, and read the answer whole. `points` are the crash points "sent" and "answer read" of this kind of question."""
        if question.body is None:
            return await self._bounded(question, points, self._timeout)
        return await self._bounded(question, points, self._timeout, json=dict(question.body))

    async def upload(
        self, question: Question, stream: Readable, name: str, timeout: float, points: tuple[str, str] = _QUIET
    ) -> Response | Troubled:
        """Send a file as a multipart form with `purpose=batch`, read piece by piece."""
        form: dict[str, Any] = {"files": {"file": (name, stream, "application/jsonl")}, "data": {"purpose": "batch"}}
        return await self._bounded(question, points, timeout, **form)

    async def _bounded(
        self, question: Question, points: tuple[str, str], timeout: float, **content: Any
    ) -> Response | Troubled:
        try:
            async with asyncio.timeout(timeout):
                return await self._ask(question, points, content)
        except (TimeoutError, httpx.TimeoutException) as error:
            unsent = isinstance(error, httpx.ConnectTimeout)
            return Troubled(Trouble.TIMED_OUT, f"no whole answer within {timeout:g} s", was_sent=not unsent)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            unsent = isinstance(error, httpx.ConnectError)
            return Troubled(Trouble.UNREACHABLE, clean(f"{type(error).__name__}: {error}", 300), was_sent=not unsent)

    async def _ask(self, question: Question, points: tuple[str, str], content: dict[str, Any]) -> Response | Troubled:
        url = httpx.URL(question.url)
        if _origin(url) != self._origin:
            message = "the question leaves the source's own origin and was not sent"
            return Troubled(Trouble.REQUEST, message, was_sent=False)
        authorization = {"authorization": f"Bearer {self._api_key.reveal()}"}
        async with self._http.stream(question.method, url, headers=authorization, **content) as answer:
            reach(points[0])
            body = await self._read(answer)
            reach(points[1])
        if isinstance(body, Troubled):
            return body
        return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, body)

    async def _read(self, answer: httpx.Response) -> bytes | Troubled:
        encoding = answer.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            return Troubled(Trouble.ENCODED, f"the answer came as {clean(encoding, 32)}, unasked", answer.status_code)
        return await _within(answer.aiter_raw(), self._limit, answer.status_code)


async def _within(pieces: AsyncIterator[bytes], limit: int, status: int) -> bytes | Troubled:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            return Troubled(Trouble.TOO_LARGE, f"the answer is larger than {limit} bytes", status)
    return bytes(body)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
