"""What a connection may do before and while a request comes: uvicorn itself sets no deadline and no cap there.

A request has to be whole within a deadline, its head has to be small, and there has to be one way only to tell where
its body ends.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from receiver import answers
from receiver.answers import Answer
from receiver.cycle import Cycle
from receiver.heads import has_one_end, is_small
from schemas.words import RefusalReason

Turned = tuple[RefusalReason, Answer]
Told = Callable[[bytes, RefusalReason, int, str | None], None]

LINGER_SECONDS = 1.0
WIRE_FACTOR = 8  # bytes on the wire for each byte of body, for chunks of a dozen bytes: what is beyond means no good
ONE_READ = 262_144  # so much can come at once with the head; what it says of itself is judged first

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


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `guarded` makes the subclass that knows the limits."""

    limits: ClassVar[Limits]
    told: ClassVar[tuple[Told]]  # in a tuple, lest it be taken for a method

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.deadline: asyncio.TimerHandle | None = None
        self.is_deaf = False  # what still comes is not listened to
        self.is_begun = False  # a request has begun and is not whole yet
        self.is_in_body = False
        self.is_whole = False  # a request has just become whole
        self.wire_bytes = 0
        self.why: Turned | None = None
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self.turn_away(NOT_STORED)
            self.transport.close()
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
            self.wire_bytes = 0
            self._stop_waiting()
        elif not self.is_deaf:
            self._wait_for_rest()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.is_whole:
            self.wire_bytes = 0  # most of what has just come belonged to the request before
        self.is_begun, self.is_in_body, self.is_whole = True, False, False

    def on_headers_complete(self) -> None:
        self.why = self._judge_head()
        if self.why:
            raise _TurnedAway
        previous = self.cycle
        self.cycle = self._new_cycle()
        self.headers = []  # a trailer would otherwise join the headers
        self.is_in_body = True
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

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

    def _judge_head(self) -> Turned | None:
        if not is_small(self.headers, len(self.url), self.limits.head_bytes, self.limits.head_fields):
            return HEAD_TOO_LARGE
        # After a request to speak another protocol the parser takes nothing more for HTTP, not even that request's body.
        is_plain = has_one_end(self.headers, self.parser.get_http_version()) and not self.parser.should_upgrade()
        return None if is_plain else FRAMING

    def _new_cycle(self) -> Cycle:
        version = self.parser.get_http_version()
        path, _, query = self.url.partition(b"?")
        # The path as it was sent, and not what another reader makes of it; a whole URL is none of our paths.
        self.scope.update(  # type: ignore[call-arg]
            method=self.parser.get_method().decode("ascii"),
            http_version=version,
            path=path.decode("latin-1"),
            raw_path=path,
            query_string=query,
        )
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version == "1.1" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

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
        elif self.wire_bytes > ONE_READ + WIRE_FACTOR * self.limits.body_bytes:
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
