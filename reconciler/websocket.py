"""The WebSocket client of one source. Whatever the other side does, listening ends as a value, and holds to its bounds.

The key goes to the configured origin only, and that is checked here and not by callers. Redirects are not followed, no proxy
is taken from the environment, nothing comes compressed, and nobody is listened to who is silent, or sends too much.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.uri import WebSocketURI, parse_uri

from reconciler.authorization import Authorization
from reconciler.client import Client
from schemas.readings import Question, Troubled
from schemas.readings import Response as Answer
from schemas.times import SECOND
from schemas.words import Trouble

_SCHEMES = {"http": "ws", "https": "wss"}

# The library would log the headers of the upgrade, and with them the key, for whoever turns its log on. This one is known to
# nobody, so that nobody can.
_NO_LOG = logging.Logger("batchkeeper.websocket", logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is put up with; times in seconds."""

    opening: float = 10.0  # from the first packet to the upgrade, all in all
    silence: float = 10.0  # before a sign of life is asked for, and again before the socket is given up
    pause: float = 0.2  # between two messages: whoever sends faster waits
    closing: float = 1.0
    message_bytes: int = 1 << 20
    bytes_a_minute: int = 4 << 20  # of whatever sort: a job is told of in some kilobytes, every few seconds


class WebSocketClient:
    """Listens to sockets of one source."""

    def __init__(self, base_url: str, authorization: Authorization, bounds: Bounds | None = None) -> None:
        base = urlsplit(base_url)
        self._origin = _origin(parse_uri(base._replace(scheme=_SCHEMES[base.scheme]).geturl()))
        self._authorization = authorization
        self._bounds = bounds or Bounds()

    async def listen(self, question: Question, ping: str | None, take: Callable[[str], None]) -> Troubled:
        """Open a socket and hand over each of its messages until it ends; why it ended. `ping` asks for a sign of life."""
        connection = await self._connect(question)
        if isinstance(connection, Troubled):
            return connection
        try:
            return await self._hear(connection, ping, take)
        except ConnectionClosed:
            return _ended(connection)
        finally:
            await _close(connection)

    async def first(self, question: Question) -> Answer | Troubled:
        """The first message that comes over a socket, as an answer with status 200; then it is closed. What stands behind the
        URL's # is not sent, as over HTTP."""
        connection = await self._connect(replace(question, url=question.url.partition("#")[0]))
        if isinstance(connection, Troubled):
            return connection
        try:
            async with asyncio.timeout(self._bounds.silence):
                message = await connection.recv(decode=False)
        except TimeoutError:
            return Troubled(Trouble.TIMED_OUT, f"the socket said nothing for {self._bounds.silence:g} s")
        except ConnectionClosed:
            return _ended(connection)
        finally:
            await _close(connection)
        return Answer(200, {}, bytes(message), time.time_ns() // 1000)

    async def _connect(self, question: Question) -> ClientConnection | Troubled:
        if not self._is_ours(question.url):
            return Troubled(Trouble.REQUEST, "the socket's URL leaves the source's own origin and was not opened")
        headers = await self._authorization.headers()
        if isinstance(headers, Troubled):
            return headers
        try:
            return await self._open(question.url, headers)
        except InvalidStatus as error:
            return _refused(error.response)
        except TimeoutError:
            return Troubled(Trouble.TIMED_OUT, f"no socket was opened within {self._bounds.opening:g} s")
        except (OSError, WebSocketException) as error:
            # The name alone: the text may hold whatever the other side sent.
            return Troubled(Trouble.UNREACHABLE, f"no socket was opened: {type(error).__name__}")

    def _is_ours(self, url: str) -> bool:
        try:
            address = parse_uri(url)
        except (InvalidURI, ValueError):
            return False
        return _origin(address) == self._origin and address.user_info is None

    async def _open(self, url: str, headers: Mapping[str, str]) -> ClientConnection:
        bounds = self._bounds
        ours: dict[str, Any] = {"create_connection": self._connection}
        if self._origin[0]:
            ours["ssl"] = self._tls
        return await _Direct(
            url,
            additional_headers=headers,
            user_agent_header="batchkeeper/0.1",
            proxy=None,
            compression=None,
            open_timeout=bounds.opening,
            close_timeout=bounds.closing,
            ping_interval=None,
            max_size=bounds.message_bytes,
            max_queue=2,
            logger=_NO_LOG,
            **ours,
        )

    def _connection(self, *args: Any, **kwargs: Any) -> ClientConnection:
        connection = _Connection(*args, **kwargs)
        connection.most_bytes = self._bounds.bytes_a_minute
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Whom the HTTP client trusts."""
        return httpx.create_ssl_context(trust_env=False)

    async def _hear(self, connection: ClientConnection, ping: str | None, take: Callable[[str], None]) -> Troubled:
        silence, has_pinged = self._bounds.silence, False
        while True:
            try:
                async with asyncio.timeout(silence):
                    message = await connection.recv(decode=True)
            except TimeoutError:
                if ping is None or has_pinged:
                    return Troubled(Trouble.TIMED_OUT, f"the socket said nothing for {silence * (1 + has_pinged):g} s")
                await connection.send(ping)
                has_pinged = True
                continue
            take(message)
            has_pinged = False
            await asyncio.sleep(self._bounds.pause)


async def ask_whole(client: Client, sockets: WebSocketClient, question: Question) -> Answer | Troubled:
    """Ask for what may be read whole: an answer, or the first message that comes over a socket."""
    is_socket = question.url.startswith(("ws://", "wss://"))
    return await (sockets.first(question) if is_socket else client.send(question))


class _Direct(connect):
    """Opens no other URL than the one that was asked for."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """Breaks off when too much comes within a minute, of whatever sort, or when what we send is not taken."""

    _since, _bytes = 0.0, 0
    most_bytes = 0
    broken_off: str | None = None  # and why

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        if now - self._since >= 60:
            self._since, self._bytes = now, 0
        self._bytes += len(data)
        if self._bytes > self.most_bytes:
            self._break_off("too much came over the socket within a minute")
        else:
            super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._break_off("what we sent over the socket was not taken")  # we say so little: they do not read at all

    def _break_off(self, why: str) -> None:
        self.broken_off = why
        self.transport.abort()


async def _close(connection: ClientConnection) -> None:
    try:
        await connection.close()
    finally:
        connection.transport.abort()


def _refused(answer: Response) -> Troubled:
    status = answer.status_code
    if 300 <= status < 400:
        return Troubled(Trouble.REDIRECTED, f"HTTP {status} in place of a socket: redirects are not followed", status)
    trouble = _MEANINGS.get(status, Trouble.GATEWAY if status >= 500 else Trouble.REQUEST)
    return Troubled(
        trouble, f"HTTP {status} in place of a socket", status, _wish(answer.headers.get_all("Retry-After"))
    )


def _wish(retry_after: Sequence[str]) -> int | None:
    is_plain = len(retry_after) == 1 and re.fullmatch("[0-9]{1,9}", retry_after[0])
    return int(retry_after[0]) * SECOND if is_plain else None


_MEANINGS = {
    401: Trouble.KEY_REFUSED,
    403: Trouble.KEY_REFUSED,
    404: Trouble.NOT_FOUND,
    429: Trouble.RATE_LIMITED,
}


def _ended(connection: ClientConnection) -> Troubled:
    """Nothing of what the other side says about it is passed on: a code tells as much."""
    sent = connection.protocol.close_sent
    if sent is not None and sent.code == CloseCode.MESSAGE_TOO_BIG:
        return Troubled(Trouble.TOO_LARGE, "a message over the socket was too large")
    if isinstance(connection, _Connection) and connection.broken_off:
        return Troubled(Trouble.TOO_LARGE, connection.broken_off)
    code = connection.close_code
    how = "dropped" if code == CloseCode.ABNORMAL_CLOSURE else f"closed ({code})"
    return Troubled(Trouble.UNREACHABLE, f"the socket was {how}")


def _origin(address: WebSocketURI) -> tuple[bool, str, int]:
    return address.secure, address.host, address.port
