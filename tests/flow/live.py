"""A provider with sockets: answers and live messages on one port, as the test says. Beside it, servers that only know harm."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from service import Asked, batch, file_of, listed, said
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

QUIET = logging.getLogger("tests.gateway")
QUIET.disabled = True  # what is done to it here, it would tell as an error

Talk = Callable[["Gateway", ServerConnection], Awaitable[None]]
Script = Callable[[Asked], bytes]


async def nothing(gateway: "Gateway", socket: ServerConnection) -> None:
    """Says nothing, but answers a ping as the gateway does."""
    async for message in socket:
        gateway.heard.append(message)
        if message == "ping":
            await socket.send('{"type":"pong"}')


class Gateway:
    """Answers sockets by `talk`, or by `refusal` if there is one, and questions by `script`: if not otherwise, each job has the
    status that stands in `statuses`, is in progress else, and is as far as was last told over its socket."""

    def __init__(self, talk: Talk = nothing, script: Script | None = None, refusal: bytes | None = None) -> None:
        self.talk, self.refusal = talk, refusal
        self.script = script or self.as_it_is
        self.statuses: dict[str, str] = {}
        self.told: dict[str, Mapping[str, Any]] = {}
        self.asked: list[Asked] = []
        self.upgrades: list[Asked] = []
        self.open: dict[str, ServerConnection] = {}  # by job id
        self.heard: list[str | bytes] = []
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def socket_url(self, job_id: str = "batch_a") -> str:
        return f"ws://127.0.0.1:{self.port}/v1/async/batch/{job_id}/ws"

    def about(self, job_id: str) -> list[Asked]:
        """The status questions about one job."""
        return [asked for asked in self.asked if asked.job_id == job_id]

    def sockets_of(self, job_id: str) -> list[Asked]:
        """The sockets that were asked for about one job."""
        return [asked for asked in self.upgrades if asked.target.endswith(f"/{job_id}/ws")]

    async def tell(self, job_id: str, status: str, kind: str = "job.updated", **data: Any) -> None:
        """Say over a job's socket how it is."""
        self.told[job_id] = data
        await self.open[job_id].send(pushed(job_id, status, kind, **data))

    def as_it_is(self, asked: Asked) -> bytes:
        job_id = asked.job_id
        status, told = self.statuses.get(job_id, "in_progress"), self.told.get(job_id, {})
        return file_of(asked) or said(batch(job_id, status, **told))

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator["Gateway"]:
        async with serve(
            self._talk,
            "127.0.0.1",
            port,
            process_request=self._answer,
            logger=QUIET,
            ping_interval=None,
            close_timeout=1,
        ) as server:
            self.port = port_of(server)
            yield self

    def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        asked = Asked("GET", request.path, headers, b"", time.monotonic())
        if "/async/" in request.path:
            self.upgrades.append(asked)
            return None if self.refusal is None else _response(self.refusal)
        if asked.is_list:
            return _response(listed())
        self.asked.append(asked)
        return _response(self.script(asked))

    async def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        job_id = socket.request.path.split("/")[-2]
        self.open[job_id] = socket
        try:
            await self.talk(self, socket)
        except ConnectionClosed:
            pass  # the other side had enough
        finally:
            if self.open.get(job_id) is socket:
                del self.open[job_id]


def pushed(job_id: str, status: str, kind: str = "job.updated", **data: Any) -> str:
    """A live message as the gateway sends it (contract 6), with its push object (contract 4.5)."""
    whole = {"id": job_id, "object": "batch", "kind": "batch", "status": status, **data}
    return json.dumps({"type": kind, "data": whole})


def port_of(server: Server | asyncio.Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


def _response(raw: bytes) -> Response:
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    pairs = (field.split(": ", 1) for field in fields)
    return Response(int(status.split(" ")[1]), "Answer", Headers([(name, value) for name, value in pairs]), body)


@asynccontextmanager
async def serving(
    serve_one: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server of bare bytes, for what no library would do. Its port."""
    tasks: set[asyncio.Task[Any]] = set()

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve_one(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side had enough, or the test is over
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(each, "127.0.0.1", 0)
    try:
        yield port_of(server)
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
