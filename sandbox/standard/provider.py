"""The stand-in as a provider of the sandbox: its app under `/standard`, and the account behind it."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette

from sandbox.clock import Clock
from sandbox.standard.account import Account
from sandbox.standard.errors import Refused, answer_refusal, no_such_path
from sandbox.standard.routes import routes

if TYPE_CHECKING:
    from sandbox.server import SandboxSettings


class Standard:
    """See `sandbox.provider.Provider`."""

    path = "/standard"

    def __init__(self, settings: "SandboxSettings", clock: Clock) -> None:
        self._account = Account(clock, settings.standard_webhook_url)
        self.app = Starlette(
            routes=routes(), exception_handlers={Refused: answer_refusal, 404: no_such_path, 405: no_such_path}
        )
        self.app.router.redirect_slashes = False
        self.app.state.account = self._account

    def open(self) -> None:
        self._account.open()

    async def close(self) -> None:
        await self._account.close()
