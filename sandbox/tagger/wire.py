"""What happens to every request before it is read: it is counted, may be reset, and waits while the event loop is blocked."""

import re

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import connections
from sandbox.tagger.backend import Backend

CONTROL = "/sandbox/"
KINDS = (
    ("auth", re.compile(r"POST /api/auth/(?P<kind>login|refresh|logout|register)")),
    ("me", re.compile(r"GET /api/auth/me")),
    ("start", re.compile(r"POST /api/batch/start")),
    ("active", re.compile(r"GET /api/batch/active")),
    ("status", re.compile(r"GET /api/batch/jobs/(?P<job_id>[^/]+)/status")),
    ("command", re.compile(r"POST /api/batch/jobs/(?P<job_id>[^/]+)/(?P<kind>cancel|pause|resume)")),
    ("socket", re.compile(r"WEBSOCKET /api/batch/ws/(?P<job_id>[^/]+)")),
    ("history", re.compile(r"(GET|DELETE) /api/history/jobs(/[^/]+)?")),
    ("health", re.compile(r"GET /api/(health|status)")),
)


def kind_of(method: str, path: str) -> tuple[str, str | None]:
    """What is asked, and about which job if about one. Whatever is no route of the tagger is `other`."""
    for kind, pattern in KINDS:
        if found := pattern.fullmatch(f"{method} {path}"):
            named = found.groupdict()
            return named.get("kind") or kind, named.get("job_id")
    return "other", None


class Wire:
    """Around the tagger's routes, and not around the sandbox's own."""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app = app
        self._backend = backend
        self._spoiled: set[tuple[str, int]] = set()  # whose connections have seen a 500

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] not in {"http", "websocket"} or path.startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        kind, job_id = kind_of(scope.get("method", "WEBSOCKET"), path)
        self._backend.load.asks[kind] += 1
        if job_id is not None:
            self._backend.asks[job_id][kind] += 1
        if scope["type"] == "websocket":
            await self._loop_is_free()
            await self._routed(scope, receive, send)
            return
        with self._backend.load.in_flight(kind):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._backend.count_down("resets") or self._is_spoiled(scope):
            await _reset(scope, receive)
            return
        kills = self._backend.kills
        await self._loop_is_free()
        if kills != self._backend.kills:
            await _reset(scope, receive)
            return

        async def watched(message: Message) -> None:
            if message.get("status") == 500 and self._backend.switches.reset_after_500:
                self._spoiled.add(scope["client"])
            await send(message)

        await self._routed(scope, receive, watched)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the tagger's routes, if there are any."""
        nowhere = JSONResponse({"detail": "Not Found"}, status_code=404)
        await (nowhere if self._backend.switches.routes_missing else self._app)(scope, receive, send)

    async def _loop_is_free(self) -> None:
        async with self._backend.busy:
            pass

    def _is_spoiled(self, scope: Scope) -> bool:
        """Whether this connection has seen a 500. Asked once, for then it is reset."""
        client = scope["client"]
        spoiled = client in self._spoiled
        self._spoiled.discard(client)
        return spoiled


async def _reset(scope: Scope, receive: Receive) -> None:
    connections.reset(scope)
    while (await receive())["type"] != "http.disconnect":
        pass  # the server makes up for an answer that is missing while the connection stands
