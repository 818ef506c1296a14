"""The tagger as a provider of the sandbox: its routes in one app, and the life behind them."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from sandbox.clock import Clock
from sandbox.errors import Refused, answer_refusal
from sandbox.tagger.auth_routes import auth_routes
from sandbox.tagger.backend import Backend
from sandbox.tagger.batch_routes import batch_routes
from sandbox.tagger.control import control_routes
from sandbox.tagger.errors import answer_http_error, answer_store_down
from sandbox.tagger.history_routes import history_routes
from sandbox.tagger.sockets import socket_routes
from sandbox.tagger.store import StoreDown
from sandbox.tagger.wire import Wire

if TYPE_CHECKING:
    from sandbox.server import SandboxSettings

PATH = "/tagger"


class Tagger:
    """Served under `/tagger`, so that its API begins at `/tagger/api`."""

    def __init__(self, settings: "SandboxSettings", clock: Clock) -> None:
        self._backend = Backend(clock, settings.tagger_email, settings.tagger_password)
        app = Starlette(
            routes=[*auth_routes(), *batch_routes(), *history_routes(), *socket_routes(), *control_routes()],
            middleware=[Middleware(Wire, self._backend)],
            exception_handlers={
                HTTPException: answer_http_error,
                Refused: answer_refusal,
                StoreDown: answer_store_down,
            },
        )
        app.state.backend = self._backend
        self._app = app

    @property
    def path(self) -> str:
        return PATH

    @property
    def app(self) -> ASGIApp:
        return self._app

    def open(self) -> None:
        """Nothing runs before somebody starts a job."""

    async def close(self) -> None:
        await self._backend.background.close()
