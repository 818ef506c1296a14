"""The receiver's ASGI application: the intake on its own paths, two questions for whoever runs it, and 404 for the rest."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import answers
from receiver.answers import Answer
from receiver.bodies import Receive
from receiver.intake import Intake, Scope, Send
from receiver.paths import PREFIX
from schemas.config import Config
from schemas.times import SECOND
from schemas.words import RefusalReason
from storage import schema
from storage.engine import StoreAway
from storage.ledger import Ledger, NotStored
from storage.store import Store

READY_FOR = (
    SECOND  # one look serves everybody who asks within it: the question is open to the internet, and costs a commit
)


class App:
    """What the server serves. Requests for webhooks go past the router: nothing may touch their path or their body."""

    def __init__(self, intake: Intake, readiness: "Readiness") -> None:
        self.intake = intake
        self._readiness = readiness
        routes = [
            Route("/livez", self._live, methods=["GET"]),
            Route("/readyz", self._ready, methods=["GET"]),
        ]
        self._rest = Starlette(routes=routes, exception_handlers={404: self._not_found, 405: self._wrong_method})
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"].startswith(PREFIX):
            await self.intake(scope, receive, send)
        else:
            await self._rest(scope, receive, send)  # type: ignore[arg-type]

    def reload(self, config: Config) -> None:
        """Go by another configuration from the next request on. What the server listens on and its limits stay."""
        self.intake.reload(config)

    def drain(self) -> None:
        """Take no new requests from now on."""
        self.intake.is_draining = True

    def close(self) -> None:
        self.intake.close()

    async def _live(self, _request: Request) -> Response:
        return _response(answers.ALIVE)

    async def _ready(self, _request: Request) -> Response:
        reason = "draining" if self.intake.is_draining else await self._readiness.reason()
        return _response(answers.not_ready(reason) if reason else answers.READY)

    async def _not_found(self, request: Request, _error: Exception) -> Response:
        return _response(self.intake.refuse(request.scope, "", RefusalReason.UNKNOWN_SOURCE))

    async def _wrong_method(self, _request: Request, _error: Exception) -> Response:
        return _response(answers.NOT_GET)


class Readiness:
    """Can a delivery be stored now? Asked at most once a second, however many want to know."""

    def __init__(self, ledger: Ledger, store: Store, now: Callable[[], int]) -> None:
        self._ledger = ledger
        self._store = store
        self._now = now
        self._lock = asyncio.Lock()
        self._asked_at = 0
        self._reason: str | None = None

    async def reason(self) -> str | None:
        """Why not; None when it can."""
        async with self._lock:
            now = self._now()
            if not 0 <= now - self._asked_at < READY_FOR:
                self._asked_at, self._reason = now, await self._look(now)
        return self._reason

    async def _look(self, now: int) -> str | None:
        try:
            if await schema.state(self._store) is not schema.SchemaState.CURRENT:
                return "the tables are not those of this version"
            await self._ledger.probe(now)
        except (NotStored, StoreAway, schema.WrongSchema, SQLAlchemyError, OSError):
            return "the ledger cannot commit"
        return None


def build_app(config: Config, ledger: Ledger, now: Callable[[], int], store: Store) -> App:
    """`now` answers with microseconds since 1970."""
    return App(Intake(config, ledger, now), Readiness(ledger, store, now))


def _response(answer: Answer) -> Response:
    headers: dict[str, Any] = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, media_type="application/json")
