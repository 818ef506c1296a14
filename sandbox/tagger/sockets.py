"""Live updates of one job over a WebSocket, for whoever has an account (contract 10).

What is said between the catch-up and the moment when the tagger begins to listen for the caller is lost, as at the tagger.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.errors import Refused
from sandbox.tagger.asking import backend_of
from sandbox.tagger.backend import Backend
from sandbox.tagger.feeds import Channel, HangUp
from sandbox.tagger.store import State, StoreDown

LATE_ENDS = frozenset({"completed", "cancelled", "failed"})
LIVE_ENDS = frozenset({"completed", "cancelled", "error"})
KEEPALIVE = 30.0  # seconds of life without a message
SHORTEST_KEEPALIVE = 0.02  # wall seconds, however fast the clock
DONE, POLICY, FAULT, RESTART = 1000, 1008, 1011, 1012


def socket_routes() -> list[WebSocketRoute]:
    return [WebSocketRoute("/api/batch/ws/{job_id}", live_updates)]


async def live_updates(socket: WebSocket) -> None:
    """Accepted first, whoever it is."""
    backend, job_id = backend_of(socket), socket.path_params["job_id"]
    await socket.accept()
    with suppress(WebSocketDisconnect):
        try:
            backend.accounts.user_of(_token(socket), backend.switches)
            await _Feed(socket, job_id, backend).run()
        except Refused as refused:
            is_fault = refused.response.status_code == 500
            await _end(socket, job_id, "Internal server error" if is_fault else "Authentication required", is_fault)
        except StoreDown:
            await _end(socket, job_id, "Error connecting to Redis", is_fault=True)


async def _end(socket: WebSocket, job_id: str, error: str, is_fault: bool) -> None:
    """For a fault the contract names no code."""
    await socket.send_json({"error": error, "job_id": job_id})
    await socket.close(FAULT if is_fault else POLICY)


def _token(socket: WebSocket) -> str:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    return socket.query_params.get("token") or (token if scheme.lower() == "bearer" else "")


class _Feed:
    """One open socket. It ends with the job, when either side hangs up, or never."""

    def __init__(self, socket: WebSocket, job_id: str, backend: Backend) -> None:
        self._socket = socket
        self._job_id = job_id
        self._backend = backend

    async def run(self) -> None:
        state = self._backend.store.read(self._job_id)
        await self._socket.send_json(self._catchup(state))
        if state.get("status") in LATE_ENDS:
            counts = {name: state.get(name, "0") for name in ("processed_count", "failed_count")}
            await self._end_late(state["status"], counts)
            return
        with self._backend.feeds.listening(self._job_id) as channel:
            async with _noticing_departure(self._socket, channel):
                await self._follow(channel)

    async def _follow(self, channel: Channel) -> None:
        pause = max(SHORTEST_KEEPALIVE, self._backend.clock.real(KEEPALIVE))
        while True:
            try:
                async with asyncio.timeout(pause):
                    heard = await channel.get()
            except TimeoutError:
                # what came in the very moment is no silence
                if channel.empty() and await self._keep_alive():
                    return
                continue
            if isinstance(heard, HangUp):
                if heard is HangUp.STOPPED:
                    await self._socket.close(RESTART)
                return  # the server cuts the connection of whoever leaves without a close
            await self._socket.send_json(heard)
            if heard.get("type") in LIVE_ENDS:
                await self._socket.close(DONE)
                return

    async def _keep_alive(self) -> bool:
        """Whether that was the end: one that was missed is noticed now."""
        status = self._backend.store.read(self._job_id).get("status")
        if status in LATE_ENDS:
            await self._end_late(status, {})
            return True
        await self._socket.send_json({"type": "keepalive", "job_id": self._job_id, "status": status})
        return False

    async def _end_late(self, status: str, counts: dict[str, str]) -> None:
        """The counts are strings here."""
        await self._socket.send_json({"type": status} | counts | {"message": f"Job is {status}"})
        await self._socket.close(DONE)

    def _catchup(self, state: State) -> dict[str, Any]:
        """The filler stands in the first result, if there is one."""
        results, padding = self._backend.store.results(self._job_id), self._backend.switches.catchup_padding
        if padding and results:
            first = results[0]
            results[0] = first | {"metadata": first["metadata"] | {"filler": "." * padding}}
        return {"type": "catchup", "job_id": self._job_id, "state": state, "results": results}


@asynccontextmanager
async def _noticing_departure(socket: WebSocket, channel: Channel) -> AsyncIterator[None]:
    """What the caller says is passed over; that it has left is told to the channel."""

    async def listen() -> None:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
        channel.put_nowait(HangUp.GONE)

    listening = asyncio.create_task(listen())
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
