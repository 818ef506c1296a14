"""A request body that ends in an error when it grows over a bound, however it is read."""

from starlette.types import Message, Receive


class TooLarge(Exception):
    """The body is over the bound."""


class Bounded:
    """Stands in for an ASGI `receive`."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self.limit = limit
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self.limit:
            raise TooLarge
        return message
