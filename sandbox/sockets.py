"""Live updates of one job over a WebSocket (contract 6).

What is sent is the stored row, looked at every `interval_ms` of life: nobody asks the provider because a socket is open. The
gateway's cache of a second in front of that row is left out. The contract does not say what a `refresh` is answered with:
here it is a `job.snapshot`, changed or not. An interval that is no number counts as none.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.asking import admitted
from sandbox.errors import Refused, flat, upgrade_required
from sandbox.gateway import Gateway
from sandbox.jobs import Job

PATH = "/v1/async/{kind}/{id}/ws"
ENDS = frozenset({"completed", "failed", "cancelled"})  # an expired job keeps its socket open
LINKS = ("download_url", "expires_at")  # made anew for every look, and no change of the row
OFF = frozenset({"0", "false", "no", "off"})
SHORTEST_PAUSE = 0.02  # wall seconds, however fast the clock


@dataclass(frozen=True)
class Wishes:
    """What the caller's query asks for; `interval` is in seconds of life."""

    interval: float
    close_on_terminal: bool


def read_wishes(interval_ms: str | None, close_on_terminal: str | None) -> Wishes:
    written = (interval_ms or "").strip()
    number = float(written) if re.fullmatch(r"[+-]?\d{1,9}(\.\d*)?", written, re.ASCII) else 2500.0
    return Wishes(min(max(number, 1000.0), 10_000.0) / 1000, (close_on_terminal or "").lower() not in OFF)


def socket_routes() -> list[BaseRoute]:
    """Any other path answers an upgrade as it answers everything: with a plain 404."""
    return [
        Route(PATH, refuse_without_upgrade),
        WebSocketRoute(PATH, live_updates),
        WebSocketRoute("/{_:path}", nowhere),
    ]


async def refuse_without_upgrade(_request: Request) -> Response:
    """Checked before the key."""
    raise upgrade_required()


async def nowhere(socket: WebSocket) -> None:
    await socket.send_denial_response(PlainTextResponse("404 Not Found", status_code=404))


async def live_updates(socket: WebSocket) -> None:
    """Refused over HTTP before the upgrade; after it, a snapshot and then what changes."""
    try:
        gateway = admitted(socket)
        job = _job(socket, gateway)
    except Refused as refused:
        await socket.send_denial_response(refused.response)
        return
    if "socket_refused" in job.scenario:
        await socket.send_denial_response(PlainTextResponse("Service Unavailable", status_code=503))
        return
    asked = socket.query_params
    wishes = read_wishes(asked.get("interval_ms"), asked.get("close_on_terminal"))
    await socket.accept()
    job.sockets += 1
    with suppress(WebSocketDisconnect):
        await _Feed(socket, job, gateway, wishes).run()


def _job(socket: WebSocket, gateway: Gateway) -> Job:
    kind, job_id = (str(socket.scope["raw_path"].decode("latin-1").split("/")[place]) for place in (3, 4))
    if kind not in {"batch", "video"}:
        raise flat("validation_error", "invalid_async_job_path")
    job = gateway.owned(job_id)
    if job is None or job.kind != kind:
        raise flat("not_found", "async_job_not_found_or_not_owned", id=job_id, kind=kind)
    return job


class _Feed:
    """One open socket. It ends when either side closes it, and with `socket_drops` after the first message."""

    def __init__(self, socket: WebSocket, job: Job, gateway: Gateway, wishes: Wishes) -> None:
        self._socket = socket
        self._job = job
        self._gateway = gateway
        self._wishes = wishes
        self._shown: dict[str, Any] = {}

    async def run(self) -> None:
        await self._show("job.snapshot", self._look())
        if "socket_drops" in self._job.scenario:
            return  # the server cuts the connection of whoever leaves without a close
        pause = max(SHORTEST_PAUSE, self._gateway.clock.real(self._wishes.interval))
        loop = asyncio.get_running_loop()
        next_look = loop.time() + pause
        while not await self._is_over():
            try:
                async with asyncio.timeout_at(next_look):
                    message = await self._socket.receive()
            except TimeoutError:
                next_look = loop.time() + pause
                await self._look_for_change()
                continue
            if message["type"] == "websocket.disconnect":
                return
            await self._answer(message.get("text"))

    async def _is_over(self) -> bool:
        """Close it if the job is deleted, or has ended and the caller did not ask to stay."""
        if self._job.is_deleted:
            await self._send({"type": "job.deleted", "data": {"id": self._job.id, "kind": self._job.kind}})
        elif not self._wishes.close_on_terminal or self._shown["status"] not in ENDS:
            return False
        await self._socket.close(1000)
        return True

    async def _look_for_change(self) -> None:
        data = self._look()
        if not self._job.is_deleted and _row(data) != _row(self._shown):
            await self._show("job.updated", data)

    async def _answer(self, text: str | None) -> None:
        """Two bare words are understood; whatever else is said, JSON too, is passed over."""
        if text == "ping":
            await self._send({"type": "pong"})
        elif text == "refresh" and not self._job.is_deleted:
            await self._show("job.snapshot", self._look())

    def _look(self) -> dict[str, Any]:
        """URLs of a batch stand on the address that the caller used."""
        url = self._socket.url
        origin = f"http{url.scheme.removeprefix('ws')}://{url.netloc}"
        return self._gateway.snapshots.of(self._job, base=origin if self._job.kind == "batch" else None)

    async def _show(self, kind: str, data: dict[str, Any]) -> None:
        self._shown = data
        await self._send({"type": kind, "data": data})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_json(message)


def _row(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in LINKS}
