"""Thunderbit as a provider of the sandbox: its app under `/thunderbit`, and the account behind it."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from sandbox.clock import Clock
from sandbox.thunderbit.account import Account
from sandbox.thunderbit.control import control_routes
from sandbox.thunderbit.errors import Refused, answer_refusal, no_such_path
from sandbox.thunderbit.rate_limit import TellingRateLimit
from sandbox.thunderbit.routes import api_routes

if TYPE_CHECKING:
    from sandbox.server import SandboxSettings

NOT_THERE = {404: no_such_path, 405: no_such_path}


class Thunderbit:
    """See `sandbox.provider.Provider`."""

    path = "/thunderbit"

    def __init__(self, settings: "SandboxSettings", clock: Clock) -> None:
        self._account = Account(clock, settings.thunderbit_key)
        self.app = build_app(self._account)

    def open(self) -> None:
        self._account.open()

    async def close(self) -> None:
        await self._account.close()


def build_app(account: Account) -> Starlette:
    """The API is there under both of its base paths; the switch `base_path` says which one answers."""
    api = Starlette(
        routes=api_routes(),
        middleware=[Middleware(TellingRateLimit)],
        exception_handlers={Refused: answer_refusal, **NOT_THERE},
    )
    app = Starlette(
        routes=[*control_routes(), Mount("/openapi/v1", api), Mount("/v1", api)], exception_handlers=NOT_THERE
    )
    for each in (api, app):
        each.router.redirect_slashes = False
        each.state.account = account
    return app
