"""What is done about a request that is not accepted: it is tallied, perhaps recorded, and told of once a minute."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import structlog

from receiver.flood import Flood
from receiver.senders import neighbourhood
from schemas.presented import Presented, written
from schemas.readings import Refused
from schemas.words import MENDABLE, RefusalReason
from storage.ledger import Ledger, Refusal, RefusedRequest

LOG_SECONDS = 60.0
MOST_PRESENTED = 8_192  # characters; no provider says so much in the few headers that count

log = structlog.get_logger(__name__)


class Told(NamedTuple):
    """What a request brings along besides its head."""

    body: bytes
    submission: str | None  # the further part of its path


class Refusals:
    """Tells the ledger of each refusal, and the log of all of a source's in one line a minute."""

    def __init__(self, ledger: Ledger, per_minute: int) -> None:
        self._ledger = ledger
        self._per_minute = per_minute
        self._flood = Flood(per_minute)
        self._untold: dict[str, Counter[str]] = {}
        self._telling: asyncio.TimerHandle | None = None

    def allow(self, per_minute: int) -> None:
        """Another budget for each sender. As long as it stays the same, what was spent of it is not forgotten."""
        if per_minute != self._per_minute:
            self._per_minute = per_minute
            self._flood = Flood(per_minute)

    def note(self, refusal: Refusal, request: RefusedRequest | None = None) -> None:
        self._ledger.refuse(refusal, request)
        self._untold.setdefault(refusal.source, Counter())[refusal.reason] += 1
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(LOG_SECONDS, self.tell)

    def unauthentic(self, refusal: Refusal, presented: Callable[[], Presented | Refused], told: Told) -> RefusalReason:
        """Note one that is not authentic. Once its sender has used up the budget, it is only one drop of a flood.

        What a second look needs is kept of those that such a look may find authentic.
        """
        near = neighbourhood(refusal.remote)
        if not self._flood.spend((refusal.source, near), asyncio.get_running_loop().time()):
            self.note(refusal._replace(reason=RefusalReason.FLOOD, http_status=429))
            return RefusalReason.FLOOD
        self.note(refusal, _kept(presented(), told, near) if refusal.reason in MENDABLE else None)
        return refusal.reason

    def tell(self) -> None:
        """Log what has gathered. Names, reasons and numbers only."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        for source, reasons in sorted(self._untold.items()):
            log.warning("requests_refused", source=source or None, **dict(sorted(reasons.items())))
        self._untold.clear()


def _kept(presented: Presented | Refused, told: Told, near: str) -> RefusedRequest | None:
    """What a second look needs; None where there is too much of it to be a provider's."""
    text = written(presented) if isinstance(presented, Presented) else ""
    return RefusedRequest(told.body, text, told.submission, near) if 0 < len(text) <= MOST_PRESENTED else None
