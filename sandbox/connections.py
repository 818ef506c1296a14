"""The connection under an answer, for answers that never come or end before they are whole."""

import asyncio
import socket
import struct
from typing import ClassVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: whoever closes does not wait, and the other side sees a reset


class CuttableProtocol(HttpToolsProtocol):
    """Puts the connection into the scope of each request, where `close` and `reset` find it."""

    WHERE: ClassVar[str] = "sandbox.connection"

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {self.WHERE: {"transport": self.transport}}


def close(scope: Scope) -> None:
    """Hang up once what was sent is out. The other side reads an end."""
    _transport(scope).close()


def reset(scope: Scope) -> None:
    """Hang up at once. The other side reads what has come, and then a reset."""
    transport = _transport(scope)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()


class NoAnswer(Response):
    """Hangs up instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        close(scope)
        while (await receive())["type"] != "http.disconnect":
            pass  # the server makes up for an answer that is missing while the connection stands


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope["extensions"][CuttableProtocol.WHERE]["transport"]
    return transport
