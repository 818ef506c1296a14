"""Anthropic as one of the providers that the sandbox stands in for."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette

from sandbox.anthropic.account import Account
from sandbox.anthropic.control import control_routes
from sandbox.anthropic.errors import no_such_path
from sandbox.anthropic.routes import api_routes
from sandbox.clock import Clock
from sandbox.errors import Refused, answer_refusal

if TYPE_CHECKING:
    from sandbox.server import SandboxSettings


class Anthropic:
    """See `sandbox.provider.Provider`. It does nothing by itself: what a batch has come to is reckoned when it is asked about."""

    path = "/anthropic"

    def __init__(self, settings: "SandboxSettings", clock: Clock) -> None:
        self.app = Starlette(
            routes=[*api_routes(), *control_routes()],
            exception_handlers={404: no_such_path, 405: no_such_path, Refused: answer_refusal},
        )
        self.app.router.redirect_slashes = False
        self.app.state.account = Account(clock, settings.anthropic_key)

    def open(self) -> None:
        pass

    async def close(self) -> None:
        pass
