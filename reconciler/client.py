"""The HTTP client of one source. Whatever the other side does, a question ends in time, within bounds, as a value.

The key goes to the configured origin only, and that is checked here and not by callers. Redirects are not followed, no
proxy or netrc is taken from the environment, and answers that come compressed or too large are not read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from reconciler.authorization import Authorization
from reconciler.clocks import ClockRead
from reconciler.slowness import Slowness
from schemas.contents import OverCap, Streamed
from schemas.readings import Question, Response, Troubled
from schemas.texts import clean
from schemas.words import Trouble
from storage.points import reach

_QUIET = ("", "")
_IDENTITY = ("", "identity")


def _now() -> int:
    return time.time_ns() // 1000


Take = Callable[[bytes], Awaitable[None]]
Shown = Mapping[str, str]  # headers, by name


class Readable(Protocol):
    """A file to be sent. Its length is read from its descriptor."""

    def read(self, size: int = -1, /) -> bytes: ...
    def fileno(self) -> int: ...


class Client:
    """Asks one source. `timeout` in seconds bounds a whole call, from the connection to the last byte. `clock` answers in
    microseconds since 1970; what the answers' own dates say of it is kept in `their_clock`."""

    def __init__(
        self,
        base_url: str,
        authorization: Authorization,
        timeout: float,
        max_answer_bytes: int,
        transport: httpx.AsyncBaseTransport | None = None,
        slowness: Slowness | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._origin = _origin(httpx.URL(base_url))
        self._authorization = authorization
        self._timeout = timeout
        self._limit = max_answer_bytes
        self._slowness = slowness or Slowness()
        self.last_http_status: int | None = None  # of the newest answer; 0: the newest question got none
        self.last_answer_at: int | None = None
        self._clock = clock or _now
        self.their_clock = ClockRead()
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

    async def send(
        self, question: Question, points: tuple[str, str] = _QUIET, least_seconds: float = 0
    ) -> Response | Troubled:
        """Ask, and read the answer whole. `points` are the crash points "sent" and "answer read" of this kind of question;
        `least_seconds` is how long it may take, if that is more than other questions may."""
        content: dict[str, Any] = {} if question.body is None else {"json": dict(question.body)}
        if question.content is not None:
            content = {"content": question.content}
        timeout = max(self._timeout, least_seconds)
        answer, shown = await self._bounded(question, points, timeout, timeout=timeout, **content)
        if isinstance(answer, Response) and await self._authorization.renewed(answer, shown):
            answer, _ = await self._bounded(question, points, timeout, timeout=timeout, **content)
        return answer

    async def upload(
        self, question: Question, stream: Readable, name: str, timeout: float, points: tuple[str, str] = _QUIET
    ) -> Response | Troubled:
        """Send a file as a multipart form with `purpose=batch`, read piece by piece."""
        form: dict[str, Any] = {"files": {"file": (name, stream, "application/jsonl")}, "data": {"purpose": "batch"}}
        answer, _ = await self._bounded(question, points, timeout, **form)
        return answer

    async def download(self, question: Question, take: Take, limit: int) -> Streamed | OverCap | Response | Troubled:
        """Ask for content of at most `limit` bytes and have it taken piece by piece, for as long as it goes on coming.

        The head has to come within the timeout of any question, then one piece after the other, each within that time, and no
        slower than `slowness` allows. Any other answer than 200 is read whole. What `take` raises is raised; of what it took,
        nothing is good before the end. It must not raise OSError, which is taken for trouble on the way.
        """
        try:
            async with asyncio.timeout(self._timeout) as deadline:
                return await self._download(question, take, limit, deadline)
        except (TimeoutError, httpx.TimeoutException):
            return Troubled(Trouble.TIMED_OUT, f"nothing came for {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            return Troubled(Trouble.UNREACHABLE, clean(f"{type(error).__name__}: {error}", 300))

    async def _download(
        self, question: Question, take: Take, limit: int, deadline: asyncio.Timeout
    ) -> Streamed | OverCap | Response | Troubled:
        if isinstance(headers := await self._headers(question), Troubled):
            return headers
        asked_at = self._clock()
        async with self._http.stream(question.method, question.url, headers={**headers, "accept": "*/*"}) as answer:
            self._note(answer, asked_at)
            if answer.status_code != 200 or _encoding(answer) not in _IDENTITY:
                body = await self._read(answer)
                return body if isinstance(body, Troubled) else self._response(answer, body)
            deadline.reschedule(None)  # from here on each piece has its own
            length = _length(answer)
            if length is not None and length > limit:
                return OverCap(length)
            return await self._taken(answer, take, limit, length)

    async def _taken(
        self, answer: httpx.Response, take: Take, limit: int, length: int | None
    ) -> Streamed | OverCap | Troubled:
        size, slowness = 0, self._slowness.begun(time.monotonic())
        async for piece in answer.aiter_raw():
            size += len(piece)
            if size > limit:
                return OverCap(None)
            slowness = slowness.after(len(piece), time.monotonic())
            if slowness.is_too_slow:
                return Troubled(Trouble.TIMED_OUT, f"it came too slowly: {slowness}")
            await take(piece)
        return Streamed(length, length is not None or "transfer-encoding" in answer.headers)

    async def _bounded(
        self, question: Question, points: tuple[str, str], seconds: float, **content: Any
    ) -> tuple[Response | Troubled, Shown]:
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(question, points, content)
        except (TimeoutError, httpx.TimeoutException) as error:
            self.last_http_status = 0
            unsent = isinstance(error, httpx.ConnectTimeout)
            return Troubled(Trouble.TIMED_OUT, f"no whole answer within {seconds:g} s", was_sent=not unsent), {}
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            self.last_http_status = 0
            unsent = isinstance(error, httpx.ConnectError)
            return Troubled(
                Trouble.UNREACHABLE, clean(f"{type(error).__name__}: {error}", 300), was_sent=not unsent
            ), {}

    async def _ask(
        self, question: Question, points: tuple[str, str], content: dict[str, Any]
    ) -> tuple[Response | Troubled, Shown]:
        """The answer, and the headers that showed who asked."""
        if isinstance(headers := await self._headers(question), Troubled):
            return headers, {}
        asked_at = self._clock()
        async with self._http.stream(question.method, question.url, headers=headers, **content) as answer:
            reach(points[0])
            self._note(answer, asked_at)
            body = await self._read(answer)
            reach(points[1])
        return (body if isinstance(body, Troubled) else self._response(answer, body)), headers

    async def _headers(self, question: Question) -> dict[str, str] | Troubled:
        """Who asks, for a question that stays on the source's own origin."""
        if _origin(httpx.URL(question.url)) != self._origin:
            message = "the question leaves the source's own origin and was not sent"
            return Troubled(Trouble.REQUEST, message, was_sent=False)
        headers = await self._authorization.headers()
        if isinstance(headers, Troubled):
            return headers
        return {**headers, **({} if question.content is None else {"content-type": "application/json"})}

    async def _read(self, answer: httpx.Response) -> bytes | Troubled:
        if (encoding := _encoding(answer)) not in _IDENTITY:
            return Troubled(Trouble.ENCODED, f"the answer came as {clean(encoding, 32)}, unasked", answer.status_code)
        return await _within(answer.aiter_raw(), self._limit, answer.status_code)

    def _note(self, answer: httpx.Response, asked_at: int) -> None:
        self.last_http_status, self.last_answer_at = answer.status_code, self._clock()
        self.their_clock.read(answer.headers.get("date"), asked_at, self._clock())

    def _response(self, answer: httpx.Response, body: bytes) -> Response:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, body, self._clock())


async def _within(pieces: AsyncIterator[bytes], limit: int, status: int) -> bytes | Troubled:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            return Troubled(Trouble.TOO_LARGE, f"the answer is larger than {limit} bytes", status)
    return bytes(body)


def _encoding(answer: httpx.Response) -> str:
    return str(answer.headers.get("content-encoding", "")).strip().lower()


def _length(answer: httpx.Response) -> int | None:
    """What the head promises; where the content comes in chunks, the head's word for it does not count."""
    told = str(answer.headers.get("content-length", ""))
    is_told = told.isascii() and told.isdecimal() and "transfer-encoding" not in answer.headers
    return int(told) if is_told else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
