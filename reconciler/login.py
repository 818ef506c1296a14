"""Logging in: a secret is exchanged for tokens, and those for newer ones before they are spent, by one question at a time.

The token for the next refresh is kept in a file of its own before anything is asked with what came along with it. Should it be
lost or spent, the secret is shown again.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import structlog

from reconciler.client import Client
from schemas.config import Secret, Source
from schemas.dialects import Dialect
from schemas.dialects.login import Login, Tokens
from schemas.readings import Denied, Question, Response, Troubled
from schemas.times import MINUTE
from schemas.words import Trouble

log = structlog.get_logger()

AHEAD = 5 * MINUTE  # how long before it is spent an access token is replaced; of a short-lived one, half its life


class Unshown:
    """Nobody says who asks: for the questions that find that out."""

    async def headers(self) -> Mapping[str, str] | Troubled:
        return {}

    async def renewed(self, response: Response, shown: Mapping[str, str]) -> bool:
        return False


class LoggedIn:
    """The access token is shown. `kept` is the file of the refresh token; None: nowhere. `clock` answers in microseconds."""

    def __init__(
        self,
        source: Source,
        dialect: Dialect,
        login: Login,
        kept: Path | None,
        timeout: float,
        clock: Callable[[], int],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._source, self._dialect, self._login = source, dialect, login
        self._kept, self._timeout, self._clock, self._transport = kept, timeout, clock, transport
        self._alone = asyncio.Lock()
        self._access: Secret | None = None
        self._good_until = 0
        self._refresh = None if kept is None else _read(kept)

    async def headers(self) -> Mapping[str, str] | Troubled:
        async with self._alone:
            trouble = await self._ensure()
            if trouble is not None or self._access is None:
                return trouble or Troubled(Trouble.KEY_REFUSED, "there is no access token", about_source=True)
            return self._dialect.headers(self._access.reveal())

    async def renewed(self, response: Response, shown: Mapping[str, str]) -> bool:
        """Of several questions that met the same spent token, the first has it renewed; the others find the new one."""
        if not self._login.is_stale(response):
            return False
        async with self._alone:
            if self._access is not None and shown == self._dialect.headers(self._access.reveal()):
                self._good_until = 0
            return await self._ensure() is None

    async def _ensure(self) -> Troubled | None:
        """See to a good access token. None: there is one."""
        if self._access is not None and self._clock() < self._good_until:
            return None
        base_url = self._source.base_url
        if self._refresh is not None:
            told = await self._ask(self._login.refresh(base_url, self._refresh.reveal()))
            if not isinstance(told, Denied):
                return told
            self._refresh = None
            log.info("login_needed", source=self._source.name, message=told.message)
        told = await self._ask(self._login.log_in(base_url, self._source.api_key.reveal()))
        if isinstance(told, Denied):
            return Troubled(Trouble.KEY_REFUSED, told.message, 401, about_source=True)
        return told

    async def _ask(self, question: Question) -> Denied | Troubled | None:
        asked_at = self._clock()
        async with Client(self._source.base_url, Unshown(), self._timeout, 1 << 20, self._transport) as client:
            response = await client.send(question)
        told = self._login.read_tokens(response) if isinstance(response, Response) else response
        if not isinstance(told, Tokens):
            return told
        if told.refresh is not None:
            self._refresh = Secret(told.refresh)
            self._keep(told.refresh)
        self._access = Secret(told.access)
        self._good_until = asked_at + told.lifetime - min(AHEAD, told.lifetime // 2)
        return None

    def _keep(self, refresh: str) -> None:
        if self._kept is None:
            return
        try:
            _write(self._kept, refresh)
        except OSError as error:
            # It is good all the same, for as long as this process lives; the next one logs in.
            log.warning("token_not_kept", source=self._source.name, message=error.strerror)


def _read(path: Path) -> Secret | None:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return Secret(text) if text else None


def _write(path: Path, text: str) -> None:
    """Readable for nobody else, and whole: what was there before stays until then."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
