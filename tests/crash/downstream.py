"""Whom the service hands on to: a target that keeps all that it was told, and now and then refuses it, to be told again."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

REFUSED_SHARE = 0.1


@dataclass(frozen=True)
class Told:
    """One request: the id of the hand-off, its job and revision as the event names them, the event, and whether it was taken."""

    handoff: str
    job: str
    revision: int
    event: bytes
    is_taken: bool


class Downstream:
    """Listens on a port of 127.0.0.1. `told` is in the order in which it came."""

    def __init__(self, chance: random.Random) -> None:
        self.told: list[Told] = []
        self.port = 0
        self._chance = chance

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Downstream"]:
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        async with server:
            yield self

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests. A process that is killed breaks it off, perhaps in the middle of one."""
        try:
            while True:
                answer = "204 No Content" if self._takes(await _body(reader)) else "503 Service Unavailable"
                writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _takes(self, event: bytes) -> bool:
        document, is_taken = json.loads(event), self._chance.random() >= REFUSED_SHARE
        data = document["data"]
        self.told.append(Told(document["id"], data["job"], data["revision"], event, is_taken))
        return is_taken


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().rstrip().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:])
    return await reader.readexactly(int(fields["content-length"]))
