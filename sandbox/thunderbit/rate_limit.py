"""How many requests the account may make in a minute of life, and the headers that say so (contract 8)."""

from datetime import datetime
from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.thunderbit.errors import Refused
from sandbox.thunderbit.switches import Switches

MINUTE = 60.0


class RateLimit:
    """Windows of a minute, each opened by the first request after the last has closed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began: datetime | None = None
        self._used = 0

    def take(self, switches: Switches, now: datetime) -> None:
        """Count one request.

        Raises:
            Refused: 429; the window is used up.
        """
        if self._closes(now) <= now:
            self._began, self._used = now, 0
        if self._used >= switches.rate_limit:
            raise self.exceeded(switches, now)
        self._used += 1

    def exceeded(self, switches: Switches, now: datetime) -> Refused:
        """With Retry-After only where the switch says so: it is not documented."""
        left = max(ceil((self._closes(now) - now).total_seconds()), 1)
        told = {"X-RateLimit-Remaining": "0"} | ({"Retry-After": str(left)} if switches.retry_after else {})
        return Refused(429, "RATE_LIMIT_EXCEEDED", "Too many requests", headers=told)

    def headers(self, switches: Switches, now: datetime) -> dict[str, str]:
        """The window closes at or shortly before Reset, which is an epoch in seconds or milliseconds."""
        unit = 1 if switches.rate_limit_unit == "s" else 1_000
        closes = self._closes(now)
        used = self._used if closes > now else 0
        return {
            "X-RateLimit-Limit": str(switches.rate_limit),
            "X-RateLimit-Remaining": str(max(switches.rate_limit - used, 0)),
            "X-RateLimit-Reset": str(ceil(max(closes, now).timestamp() * unit)),
        }

    def _closes(self, now: datetime) -> datetime:
        return now if self._began is None else self._clock.later(self._began, MINUTE)


class TellingRateLimit:
    """Puts the three headers on every answer that does not bring its own. `app.state.account` says what they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                account, headers = scope["app"].state.account, MutableHeaders(scope=message)
                for name, value in account.rate.headers(account.switches, account.clock.now()).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, told)
