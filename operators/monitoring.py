"""What is asked by machines that watch over the service: its metrics, behind a token, and its health, for whoever asks."""

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from operators import health
from operators.access import right_of
from operators.metrics.exposition import MEDIA_TYPE, gathered, written
from schemas.config import Config
from schemas.times import SECOND
from storage.engine import StoreAway
from storage.store import Store

log = structlog.get_logger()

SEEN_FOR = SECOND  # one look serves everybody who asks within it: the question is open to all
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def routes(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> list[Route]:
    """`configured` answers with the configuration that holds now, `now` with microseconds since 1970."""
    monitoring = Monitoring(configured, store, now)
    return [
        Route("/metrics", monitoring.metrics, methods=["GET"]),
        Route("/healthz", monitoring.health, methods=["GET"]),
    ]


class Monitoring:
    """Answers of one process."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now
        self._looking = asyncio.Lock()
        self._looked_at = 0
        self._trouble: str | None = None

    async def metrics(self, request: Request) -> Response:
        """Every metric, as text, for whoever has a token that may look."""
        config = self._configured()
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or right_of(config, given.strip()) is None:
            return _said(
                401, "give a token of the operators as `Authorization: Bearer`", {"www-authenticate": "Bearer"}
            )
        try:
            async with self._store.reading() as connection:
                samples = await gathered(connection, self._store, config, self._now())
        except (StoreAway, DBAPIError) as error:
            log.error("store_trouble", page=request.url.path, error=str(getattr(error, "orig", error)))
            return _said(503, "the database cannot be read at present; the log says why")
        text = await asyncio.to_thread(written, samples)  # some milliseconds, which others need not wait for
        return Response(text, media_type=MEDIA_TYPE, headers=_HEADERS)

    async def health(self, _: Request) -> Response:
        """200, or 503 with the reason."""
        async with self._looking:
            now = self._now()
            if not 0 <= now - self._looked_at < SEEN_FOR:
                self._trouble = await health.trouble(self._store, self._configured(), now)
                self._looked_at = now
        if self._trouble is None:
            return JSONResponse({"healthy": True}, headers=_HEADERS)
        return JSONResponse({"healthy": False, "reason": self._trouble}, 503, _HEADERS)


def _said(status: int, text: str, more: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, {**_HEADERS, **(more or {})})
