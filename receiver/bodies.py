"""Reading one request's body: counted while it comes, bounded for each request and over all of them."""

from asyncio import timeout
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from schemas.words import RefusalReason

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

MOST_HELD_BYTES = 64 << 20  # of bodies that come in parts: none of them is known to be authentic yet
LINGER_SECONDS = 2.0


class Room:
    """How much of half-read bodies may be held at once, over all requests."""

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        self._left = most_bytes

    def take(self, length: int) -> bool:
        self._left -= length
        return self._left >= 0

    def give_back(self, length: int) -> None:
        self._left += length


class Body:
    """One request's body. The server keeps the time: when it is over, the sender counts as gone."""

    __slots__ = ("_most_bytes", "_receive", "_room", "is_whole")

    def __init__(self, receive: Receive, most_bytes: int, room: Room) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._room = room
        self.is_whole = False

    async def read(self) -> bytes | RefusalReason | None:
        """The bytes as they came; None when the sender has gone."""
        part = await self._next()
        if part is None or not self.is_whole:
            return await self._read_on(part)
        return RefusalReason.TOO_LARGE if len(part) > self._most_bytes else part

    async def drain(self) -> None:
        """Take what is still being sent, for a while: to close on it could destroy the answer on its way."""
        with suppress(TimeoutError):
            async with timeout(LINGER_SECONDS):
                while not self.is_whole and await self._next() is not None:
                    pass

    async def _read_on(self, part: bytes | None) -> bytes | RefusalReason | None:
        read = bytearray()
        try:
            while part is not None:
                read += part
                has_room = self._room.take(len(part))
                if len(read) > self._most_bytes:
                    return RefusalReason.TOO_LARGE
                if not has_room:
                    return RefusalReason.NOT_STORED
                if self.is_whole:
                    return bytes(read)
                part = await self._next()
            return None
        finally:
            self._room.give_back(len(read))

    async def _next(self) -> bytes | None:
        message = await self._receive()
        if message["type"] != "http.request":
            return None
        self.is_whole = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part
