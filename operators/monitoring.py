"""What is asked by machines that watch over the service: its metrics, behind the token, and its health, for whoever asks."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from operators import health
from operators.metrics.exposition import MEDIA_TYPE, gathered, written
from schemas.config import Config
from schemas.times import SECOND
from storage.store import Store

SEEN_FOR = SECOND  # one look serves everybody who asks within it: the question is open to all
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Monitoring:
    """Answers of one process. `now` answers with microseconds since 1970."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now
        self._looking = asyncio.Lock()
        self._looked_at = 0
        self._trouble: str | None = None

    async def metrics(self, _: Request) -> Response:
        """Every metric, as text. Raises StoreAway."""
        async with self._store.reading() as connection:
            samples = await gathered(connection, self._store, self._configured(), self._now())
        return Response(written(samples), media_type=MEDIA_TYPE, headers=_HEADERS)

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
