"""Reading a body in parts."""

import asyncio
from collections.abc import Mapping
from typing import Any

from receiver.bodies import Body, Receive, Room
from schemas.words import RefusalReason


def parts(*given: bytes, ends: bool = True) -> Receive:
    """A sender that sends these parts, and then the end, or hangs up."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in given]
    if ends:
        messages[-1]["more_body"] = False
    left = iter(messages)

    async def receive() -> Mapping[str, Any]:
        return next(left, {"type": "http.disconnect"})

    return receive


def read(receive: Receive, most: int = 10, room: Room | None = None) -> bytes | RefusalReason | None:
    return asyncio.run(Body(receive, most, room or Room()).read())


class TestBody:
    def test_the_parts_in_order(self) -> None:
        """One part or many, the bytes are those that were sent."""
        assert read(parts(b"abc")) == b"abc"
        assert read(parts(b"abc", b"", b"de")) == b"abcde"
        assert read(parts(b"")) == b""

    def test_one_byte_too_many(self) -> None:
        """The cap is inclusive, whether the body comes in one part or in several."""
        assert read(parts(b"x" * 10)) == b"x" * 10
        assert read(parts(b"x" * 11)) is RefusalReason.TOO_LARGE
        assert read(parts(b"x" * 6, b"x" * 5)) is RefusalReason.TOO_LARGE

    def test_a_sender_that_has_gone(self) -> None:
        """A body that was cut short is no body."""
        assert read(parts(b"abc", ends=False)) is None
        assert read(parts(ends=False)) is None

    def test_half_read_bodies_share_one_room(self) -> None:
        """When too much is half read over all requests, the next part is too much; what was held is given back."""
        room = Room(8)
        assert read(parts(b"12345", b"6789"), room=room) is RefusalReason.NOT_STORED
        assert read(parts(b"1234", b"5678"), room=room) == b"12345678"
        assert room.take(8)
        assert not room.take(1)

    def test_draining_ends(self) -> None:
        """What is still sent is taken to its end, or until the sender goes."""

        async def drain(receive: Receive) -> bool:
            body = Body(receive, 10, Room())
            await body.drain()
            return body.is_whole

        assert asyncio.run(drain(parts(b"a", b"b", b"c")))
        assert not asyncio.run(drain(parts(b"a", b"b", ends=False)))
