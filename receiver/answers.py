"""Everything that the receiver ever says. Short, the same for every cause of a kind, and never a redirect or a 410."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from schemas.ids import shown
from schemas.words import RefusalReason
from storage.ledger import Kept

Pairs = tuple[tuple[bytes, bytes], ...]

CLOSE: Pairs = ((b"connection", b"close"),)
RETRY_SECONDS = 5  # a commit waits at most this long before it is given up
CALM_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    body: bytes
    headers: Pairs = ()

    @property
    def start(self) -> dict[str, Any]:
        """The first of its two ASGI messages."""
        return {"type": "http.response.start", "status": self.status, "headers": self._fields()}

    @property
    def rest(self) -> dict[str, Any]:
        """The second of its two ASGI messages."""
        return {"type": "http.response.body", "body": self.body}

    def wire(self) -> bytes:
        """The same as bytes, for a connection that has no request yet and ends here."""
        line = b"HTTP/1.1 %d %s" % (self.status, HTTPStatus(self.status).phrase.encode())
        fields = (b"%s: %s" % field for field in (*self._fields(), *CLOSE))
        return b"\r\n".join((line, *fields, b"", self.body))

    def _fields(self) -> list[tuple[bytes, bytes]]:
        length = str(len(self.body)).encode()
        return [(b"content-type", b"application/json"), (b"content-length", length), *self.headers]


def _error(status: int, text: str, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, b'{"error":"%s"}' % text.encode(), headers)


def _retry(seconds: int) -> tuple[bytes, bytes]:
    return b"retry-after", str(seconds).encode()


FRAMING = _error(400, "cannot tell where this request ends")
UNAUTHENTIC = _error(401, "not authentic")
NOT_FOUND = _error(404, "not found")
METHOD = _error(405, "only POST is taken here", (b"allow", b"POST"))
NOT_GET = _error(405, "only GET is taken here", (b"allow", b"GET, HEAD"))
TOO_SLOW = _error(408, "too slow")
TOO_LARGE = _error(413, "too large")
ENCODED = _error(415, "encoded content is not taken")
FLOOD = _error(429, "too many requests that are not authentic", _retry(CALM_SECONDS))
HEAD_TOO_LARGE = _error(431, "headers too large")
NOT_STORED = _error(503, "not stored, send it again", _retry(RETRY_SECONDS))

REFUSALS: Mapping[RefusalReason, Answer] = {
    **dict.fromkeys(RefusalReason, UNAUTHENTIC),  # whatever is not named below is about authenticity
    RefusalReason.FRAMING: FRAMING,
    RefusalReason.UNKNOWN_SOURCE: NOT_FOUND,
    RefusalReason.METHOD: METHOD,
    RefusalReason.TOO_SLOW: TOO_SLOW,
    RefusalReason.TOO_LARGE: TOO_LARGE,
    RefusalReason.ENCODED: ENCODED,
    RefusalReason.FLOOD: FLOOD,
    RefusalReason.NOT_STORED: NOT_STORED,
}


def accepted(kept: Kept, is_unreadable: bool) -> Answer:
    """The acknowledgement. A provider that keeps its beginning then holds our receipt."""
    body = b'{"receipt":"%s","delivery":"%s","duplicate":%s%s}' % (
        shown("rcp", kept.receipt).encode(),
        shown("dlv", kept.delivery).encode(),
        b"true" if kept.duplicate else b"false",
        b',"unreadable":true' if is_unreadable else b"",
    )
    return Answer(200 if kept.duplicate else 202, body)


ALIVE = Answer(200, b'{"alive":true}')
READY = Answer(200, b'{"ready":true}')


def not_ready(reason: str) -> Answer:
    """`reason` is one of our own few words."""
    return Answer(503, b'{"ready":false,"reason":"%s"}' % reason.encode(), (_retry(RETRY_SECONDS),))
