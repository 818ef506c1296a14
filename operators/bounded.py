"""A request body that ends in an error when it grows over a bound, however it is read."""

from starlette.types import Message, Receive


class TooLarge(Exception):
    """The body is over the bound; the message says which."""


class Bounded:
    """Stands in for an ASGI `receive`. `bound` is how a refusal calls the limit, in bytes."""

    def __init__(self, receive: Receive, limit: int, bound: str) -> None:
        self._receive = receive
        self._limit, self._bound = limit, bound
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            raise TooLarge(f"the request is larger than {self._bound}, {self._limit} bytes")
        return message
