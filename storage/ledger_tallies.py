"""What is told of requests that were not accepted: counters per minute, and a bounded number of records."""

import threading
from collections import Counter
from typing import NamedTuple

from schemas.times import MINUTE
from schemas.words import RefusalReason

RECORDS_A_MINUTE = 60  # for each source; whatever comes beyond is only tallied
MOST_COUNTERS = 10_000  # while the store is away, the memory must not grow with the outage

Counters = Counter[tuple[int, str, str]]


class Refusal(NamedTuple):
    """A request that was not accepted. A source of "" is one that we do not have: its name would be a stranger's text."""

    source: str
    reason: RefusalReason
    http_status: int
    received_at: int
    remote: str | None = None
    body_bytes: int | None = None


class Notes(NamedTuple):
    """What waits to be written beside the next group."""

    counters: Counters
    refusals: list[Refusal]

    @property
    def is_empty(self) -> bool:
        return not self.counters and not self.refusals


class Tallies:
    """Gathers notes in memory. Filled by the event loop, emptied by the writer; neither ever waits for the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes = Notes(Counter(), [])
        self._minute = 0
        self._recorded: Counter[str] = Counter()

    def refuse(self, refusal: Refusal) -> None:
        """Count a refusal, and record it unless its source has had its share of this minute. A flood is only counted."""
        minute = refusal.received_at // MINUTE
        with self._lock:
            self._count((minute, refusal.source, f"refused.{refusal.reason}"), 1)
            if refusal.reason is not RefusalReason.FLOOD and self._has_room(refusal.source, minute):
                self._notes.refusals.append(refusal)

    def take(self) -> Notes:
        with self._lock:
            taken, self._notes = self._notes, Notes(Counter(), [])
        return taken

    def give_back(self, notes: Notes) -> None:
        """They could not be written: keep them for the next time."""
        with self._lock:
            for key, count in notes.counters.items():
                self._count(key, count)
            room = MOST_COUNTERS - len(self._notes.refusals)
            self._notes.refusals[:0] = notes.refusals[:room]

    def _count(self, key: tuple[int, str, str], count: int) -> None:
        counters = self._notes.counters
        if key in counters or len(counters) < MOST_COUNTERS:
            counters[key] += count

    def _has_room(self, source: str, minute: int) -> bool:
        if minute != self._minute:
            self._minute = minute
            self._recorded.clear()
        self._recorded[source] += 1
        return self._recorded[source] <= RECORDS_A_MINUTE and len(self._notes.refusals) < MOST_COUNTERS
