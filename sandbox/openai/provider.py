"""OpenAI as one of the providers that the sandbox stands in for."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.types import ASGIApp

from sandbox.clock import Clock
from sandbox.errors import Refused, answer_refusal
from sandbox.openai.account import Account
from sandbox.openai.control import control_routes
from sandbox.openai.endpoint import Endpoint
from sandbox.openai.errors import invalid_url
from sandbox.openai.routes import api_routes

if TYPE_CHECKING:
    from sandbox.server import SandboxSettings


class OpenAI:
    """See `sandbox.provider.Provider`."""

    path = "/openai"

    def __init__(self, settings: "SandboxSettings", clock: Clock) -> None:
        now = clock.now()
        endpoint = Endpoint(settings.openai_webhook_url, settings.openai_webhook_secret, now, now)
        self._account = Account(clock, settings.openai_api_key, endpoint, settings.seed)
        app = Starlette(
            routes=[*api_routes(), *control_routes()],
            exception_handlers={404: invalid_url, 405: invalid_url, Refused: answer_refusal},
        )
        app.router.redirect_slashes = False
        app.state.account = self._account
        self._app = app

    @property
    def app(self) -> ASGIApp:
        return self._app

    def open(self) -> None:
        self._account.open()

    async def close(self) -> None:
        await self._account.close()
