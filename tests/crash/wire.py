"""Requests as bytes over connections that are kept open: a load that costs little beside what it is to load."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes

    def told(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Line:
    """One connection to 127.0.0.1, made when it is needed and made anew when it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request and read its answer.

        Raises:
            ConnectionRefusedError: nobody listens, so nothing was sent.
            OSError: the connection broke, or nothing came for 20 s; the other side may have read all of it.
        """
        reader, writer = self._open or await self._connect()
        fields = {"host": "127.0.0.1", **headers, "content-length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                return await self._read(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise ConnectionError(f"no answer: {type(error).__name__}") from error

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._open = await asyncio.open_connection("127.0.0.1", self._port)
        return self._open

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().rstrip().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:])
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            self.close()
        return Answer(int(head[0].split(" ")[1]), body)
