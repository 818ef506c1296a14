"""What is done about a request that is not accepted: it is tallied, perhaps recorded, and told of once a minute."""

import asyncio
from collections import Counter

import structlog

from receiver.flood import Flood
from receiver.senders import neighbourhood
from schemas.words import RefusalReason
from storage.ledger import Ledger, Refusal

LOG_SECONDS = 60.0

log = structlog.get_logger(__name__)


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

    def note(self, refusal: Refusal) -> None:
        self._ledger.refuse(refusal)
        self._untold.setdefault(refusal.source, Counter())[refusal.reason] += 1
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(LOG_SECONDS, self.tell)

    def unauthentic(self, refusal: Refusal) -> RefusalReason:
        """Note one that is not authentic. Once its sender has used up the budget, it is only one drop of a flood."""
        key = (refusal.source, neighbourhood(refusal.remote))
        if not self._flood.spend(key, asyncio.get_running_loop().time()):
            refusal = refusal._replace(reason=RefusalReason.FLOOD, http_status=429)
        self.note(refusal)
        return refusal.reason

    def tell(self) -> None:
        """Log what has gathered. Names, reasons and numbers only."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        for source, reasons in sorted(self._untold.items()):
            log.warning("requests_refused", source=source or None, **dict(sorted(reasons.items())))
        self._untold.clear()
