"""What operators are shown of how a source is asked: saved at once when it is in trouble or well again, and else now and then."""

import json
from collections import Counter
from typing import Any

import structlog

from reconciler.owned import Owned
from schemas.times import SECOND
from storage import sources
from storage.counting import count

log = structlog.get_logger()

SAVE_EVERY = 10 * SECOND


class Showing:
    """Keeps a source's row like what this process knows."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._saved: dict[str, Any] = {}  # what the store shows may be from the process before us
        self._trouble: dict[str, Any] = {}
        self._swept = owned.swept
        self._at = 0

    async def save(self, now: int, at_once: bool = False) -> None:
        """Save what has changed and what was counted, if it is news or its time."""
        owned, trouble = self._owned, self._of_circuit()
        is_news = at_once or trouble != self._trouble or owned.swept != self._swept
        if not is_news and 0 <= now - self._at < SAVE_EVERY:
            return
        shown, counted = {**trouble, **self._of_asking(now)}, Counter(owned.counted)
        if shown != self._saved or counted:
            async with owned.writing() as connection:
                await sources.change(connection, owned.source.name, {**shown, "recorded_at": now})
                await count(connection, owned.source.name, counted, now)
            owned.counted -= counted  # what was counted meanwhile stays
        self._tell(trouble["trouble"], self._trouble.get("trouble"))
        self._saved, self._trouble, self._swept, self._at = shown, trouble, owned.swept, now

    async def last_words(self, now: int) -> None:
        """Write what was counted and not yet saved. To add to counters needs no lease, which may be lost by now."""
        owned, counted = self._owned, Counter(self._owned.counted)
        if counted:
            async with owned.store.writing() as connection:
                await count(connection, owned.source.name, counted, now)
            owned.counted -= counted

    def _tell(self, trouble: str | None, before: str | None) -> None:
        source = self._owned.source.name
        if trouble is not None and trouble != before:
            log.warning("source_trouble", source=source, trouble=trouble, message=self._owned.circuit.message)
        elif trouble is None and before is not None:
            log.info("source_recovered", source=source, was=before)

    def _of_circuit(self) -> dict[str, Any]:
        circuit = self._owned.circuit
        return {
            "trouble": circuit.trouble,
            "trouble_message": circuit.message,
            "trouble_since": circuit.since,
            "asking_again_at": circuit.asking_again_at,
        }

    def _of_asking(self, now: int) -> dict[str, Any]:
        owned, per_minute, swept = self._owned, self._owned.budget.per_minute, self._owned.swept
        shown: dict[str, Any] = {
            "asked_last_minute": owned.meter.last_minute(now),
            "budget_left": None if per_minute is None else owned.budget.left(now, per_minute),
            "heard_at": owned.hearing.last_receipt_at,
            "unheard_ends": owned.hearing.unheard_ends,
            "unheard_since": owned.hearing.unheard_since,
            "clock_ahead": owned.clock_ahead,
        }
        if owned.listing.sent_at:
            shown["listed_at"] = owned.listing.sent_at
        if owned.client.last_http_status is not None:
            shown["last_http_status"] = owned.client.last_http_status
        if owned.client.last_answer_at is not None:
            shown["last_answer_at"] = owned.client.last_answer_at
        if owned.attempted is not None:
            shown["last_attempt_at"], shown["last_attempt_status"] = owned.attempted
        shown["list_message"] = swept.message
        if swept.at is not None:
            shown["swept_at"], shown["orphans"] = swept.at, json.dumps(swept.orphans, sort_keys=True)
            shown["list_is_full"], shown["list_unreadable"] = int(swept.is_full), swept.unreadable
        return shown
