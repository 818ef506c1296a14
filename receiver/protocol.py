"""What a connection may do before and while a request comes: uvicorn itself sets no deadline and no cap there.

A request has to be whole within a deadline, its head has to be small, and there has to be one way only to tell where
its body ends.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from receiver import answers
from receiver.answers import Answer
from schemas.words import RefusalReason

Turned = tuple[RefusalReason, Answer]
Told = Callable[[bytes, RefusalReason, int, str | None], None]

LINGER_SECONDS = 1.0
WIRE_FACTOR = 8  # bytes on the wire for each byte of body, for chunks of a dozen bytes: what is beyond means no good

FRAMING: Turned = (RefusalReason.FRAMING, answers.FRAMING)
HEAD_TOO_LARGE: Turned = (RefusalReason.TOO_LARGE, answers.HEAD_TOO_LARGE)
TOO_LARGE: Turned = (RefusalReason.TOO_LARGE, answers.TOO_LARGE)
TOO_SLOW: Turned = (RefusalReason.TOO_SLOW, answers.TOO_SLOW)
NOT_STORED: Turned = (RefusalReason.NOT_STORED, answers.NOT_STORED)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may ask of us."""

    read_seconds: float
    head_bytes: int
    head_fields: int
    body_bytes: int
    connections: int


class _TurnedAway(Exception):
    """Thrown through the parser, to stop it where it is."""


def judge_head(headers: Sequence[tuple[bytes, bytes]], url: bytes, version: str, limits: Limits) -> Turned | None:
    """What is wrong with a request's head; None when nothing is. Names are in lower case."""
    size, lengths, codings = len(url), 0, 0
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"content-length":
            lengths += 1
        elif name == b"transfer-encoding":
            codings += 1 if value.lower() == b"chunked" and version == "1.1" else 2
        elif name == b"trailer":
            return FRAMING
    if size > limits.head_bytes or len(headers) > limits.head_fields:
        return HEAD_TOO_LARGE
    return FRAMING if lengths + codings > 1 else None


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Made by a subclass of `guarded`, which knows the limits."""

    limits: ClassVar[Limits]
    told: ClassVar[tuple[Told]]  # in a tuple, lest it be taken for a method

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.deadline: asyncio.TimerHandle | None = None
        self.is_deaf = False  # what still comes is not listened to
        self.is_begun = False  # a request has begun and is not whole yet
        self.is_in_body = False
        self.wire_bytes = 0
        self.why: Turned | None = None
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self.turn_away(NOT_STORED)
        else:
            self._wait_for_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_deaf:
            return
        self.wire_bytes += len(data)
        self.is_whole = False
        super().data_received(data)
        if self.is_whole:
            self._stop_waiting()
        elif not self.is_deaf:
            self._wait_for_rest()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_begun, self.is_in_body, self.is_whole = True, False, False
        self.wire_bytes = 0

    def on_headers_complete(self) -> None:
        self.why = judge_head(self.headers, self.url, self.parser.get_http_version(), self.limits)
        if self.why:
            raise _TurnedAway
        super().on_headers_complete()
        # The path as it was sent, and not what another reader makes of it; a whole URL is none of our paths.
        self.scope["raw_path"] = self.url.partition(b"?")[0]
        self.headers = []  # a trailer would otherwise join the headers
        self.is_in_body = True
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser stops after this request; we speak nothing else

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.is_begun, self.is_in_body, self.is_whole = False, False, True

    def send_400_response(self, msg: str) -> None:
        self.turn_away(self.why or FRAMING)

    def shutdown(self) -> None:
        """The server is about to end: whoever is in the middle of a head is told to come back."""
        if self.is_begun and not self.is_in_body:
            self.turn_away(NOT_STORED)
        else:
            super().shutdown()

    def turn_away(self, why: Turned) -> None:
        """Answer, and listen no more."""
        reason, answer = why
        self.is_deaf = True
        self._stop_waiting()
        if self._ends_with_request():
            return
        (tell,) = self.told
        tell(self.url if self.is_begun else b"", reason, answer.status, self.client[0] if self.client else None)
        self.transport.write(answer.wire())
        # Closed at once, on top of what is still being sent, the answer could be destroyed on its way.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _ends_with_request(self) -> bool:
        """Is a request at work whose own answer is the last word here?"""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        if not cycle.more_body:
            cycle.keep_alive = False
            return True
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        return cycle.response_started

    def _wait_for_rest(self) -> None:
        if not self.is_in_body and self.wire_bytes > self.limits.head_bytes:
            self.turn_away(HEAD_TOO_LARGE)
        elif self.wire_bytes > self.limits.head_bytes + WIRE_FACTOR * self.limits.body_bytes:
            self.turn_away(TOO_LARGE)
        elif self.deadline is None:
            self.deadline = self.loop.call_later(self.limits.read_seconds, self._run_out)

    def _stop_waiting(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _run_out(self) -> None:
        self.deadline = None
        if self.is_begun:
            self.turn_away(TOO_SLOW)
        else:
            self.transport.close()


def guarded(limits: Limits, tell: Told) -> type[GuardedProtocol]:
    """The protocol with its limits, as uvicorn wants it: a class."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits, "told": (tell,)})
