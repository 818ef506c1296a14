"""Telling pages that something changed. They fetch themselves anew; whoever does not listen loses nothing but the haste."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from operators.dashboard.gate import Gate
from operators.dashboard.rendering import HEADERS
from storage.store import Store
from storage.waiting import happens_within

log = structlog.get_logger()

MOST_LISTENERS = 64
LEAST_SECONDS = 1.0  # between two words to one page, however much is written
MOST_SECONDS = 10.0  # a change that no engine tells of is seen by then, and so is a browser that has gone


class Changes:
    """Watches the store while anybody listens, once for all of them."""

    def __init__(self, store: Store, most: int = MOST_LISTENERS) -> None:
        self._store, self._most = store, most
        self._listeners: set[asyncio.Event] = set()
        self._watching: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return len(self._listeners) >= self._most

    async def listen(self, may_stay: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Server-sent events, for as long as the listener may stay."""
        event = asyncio.Event()
        self._listeners.add(event)
        self._begin()
        try:
            yield b"retry: 3000\n\n"
            while may_stay() and not self._ended.is_set():
                await happens_within(event, MOST_SECONDS)
                if self._ended.is_set():
                    return
                event.clear()
                yield b"event: changed\ndata: \n\n"
                await happens_within(self._ended, LEAST_SECONDS)
        finally:
            self._listeners.discard(event)
            if not self._listeners and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    def end(self) -> None:
        """Let every listener go: the service stops. A browser comes again by itself."""
        self._ended.set()
        self._wake()

    def _begin(self) -> None:
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="dashboard watch")

    async def _watch(self) -> None:
        try:
            await self._store.engine.watch(self._wake)
        except Exception as error:  # the pages go on without haste, and the next listener begins anew
            log.error("dashboard_watch_broke", error=str(error))

    def _wake(self) -> None:
        for event in self._listeners:
            event.set()


class Events:
    """The page that streams."""

    def __init__(self, gate: Gate, changes: Changes) -> None:
        self._gate, self._changes = gate, changes

    async def __call__(self, request: Request) -> Response:
        session = await self._gate.session(request)
        if session is None:
            return Response(status_code=401, headers=dict(HEADERS))
        if self._changes.is_full:
            return Response(status_code=503, headers={**HEADERS, "retry-after": "15"})

        def may_stay() -> bool:
            return self._gate.is_open(request)

        return StreamingResponse(self._changes.listen(may_stay), headers=dict(HEADERS), media_type="text/event-stream")
