"""What is told of requests that were not accepted: counters per minute, and a bounded number of records.

Of some of them the request itself is told as well, so that it can be verified once more: see `storage.keeping`.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from schemas.times import MINUTE
from schemas.words import RefusalReason
from storage.ledger_rows import Accepted, Kept
from storage.shares import Shares

RECORDS_A_MINUTE = 60  # for each source; whatever comes beyond is only tallied
MOST_COUNTERS = 10_000  # while the store is away, the memory must not grow with the outage

REQUEST_BYTES = 256 << 10  # a larger request is refused and not kept
HELD, HELD_BYTES = 500, 4 << 20  # requests that wait to be written; they are shared out evenly, too

Counters = Counter[tuple[int, str, str]]


class Refusal(NamedTuple):
    """A request that was not accepted. A source of "" is one that we do not have: its name would be a stranger's text."""

    source: str
    reason: RefusalReason
    http_status: int
    received_at: int
    remote: str | None = None
    body_bytes: int | None = None


class RefusedRequest(NamedTuple):
    """What is kept of a request that was refused. `presented` is as `schemas.presented` writes it, without a signature."""

    body: bytes
    presented: str
    submission: str | None
    neighbourhood: str  # what shares one share of the room

    @property
    def weight(self) -> int:
        return len(self.body) + len(self.presented)


class Record(NamedTuple):
    """A refusal that is recorded, perhaps with its request. An extra one is beyond the minute's number, and stands there for its
    request's sake alone."""

    refusal: Refusal
    request: RefusedRequest | None = None
    is_extra: bool = False


def request_row(number: int, record: Record, request: RefusedRequest) -> tuple[object, ...]:
    """Id, source, what was presented, submission, neighbourhood, whether it is extra, body: the columns of refused_requests."""
    source, is_extra = record.refusal.source, int(record.is_extra)
    return number, source, request.presented, request.submission, request.neighbourhood, is_extra, request.body


class Notes(NamedTuple):
    """What waits to be written beside the next group. Records are in order of arrival."""

    counters: Counters
    records: Sequence[Record] = ()

    @property
    def is_empty(self) -> bool:
        return not self.counters and not self.records


class Tallies:
    """Gathers notes in memory. Filled by the event loop, emptied by the writer; neither ever waits for the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: Counters = Counter()
        self._minute = 0
        self._recorded: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._records: dict[int, Record] = {}
        self._shares = Shares(HELD, HELD_BYTES)

    def refuse(self, refusal: Refusal, request: RefusedRequest | None = None) -> None:
        """Count a refusal, and record it unless its source has had its share of this minute. A flood is only counted.

        With a request it is recorded beyond that share as well, as long as there is room for the request.
        """
        minute = refusal.received_at // MINUTE
        with self._lock:
            self._count((minute, refusal.source, f"refused.{refusal.reason}"), 1)
            if refusal.reason is RefusalReason.FLOOD:
                return
            has_room = self._has_room(refusal.source, minute)
            is_kept = request is not None and request.weight <= REQUEST_BYTES
            if has_room or is_kept:
                self._record(Record(refusal, request if is_kept else None, not has_room))

    def take(self, with_records: bool = True) -> Notes:
        with self._lock:
            counters, self._counters = self._counters, Counter()
            return Notes(counters, self._take_records() if with_records else ())

    def give_back(self, notes: Notes) -> None:
        """They could not be written: keep them for the next time."""
        with self._lock:
            for key, count in notes.counters.items():
                self._count(key, count)
            for record in (*notes.records, *self._take_records()):
                self._record(record)

    def _take_records(self) -> list[Record]:
        taken, self._records, self._shares = self._records, {}, Shares(HELD, HELD_BYTES)
        return list(taken.values())

    def _record(self, record: Record) -> None:
        if len(self._records) >= MOST_COUNTERS:
            return
        number = next(self._numbers)
        self._records[number] = record
        if record.request is None:
            return
        holder = record.refusal.source, record.request.neighbourhood
        for gone in self._shares.add(holder, number, record.request.weight):
            if self._records[gone].is_extra:
                del self._records[gone]
            else:
                self._records[gone] = self._records[gone]._replace(request=None)

    def _count(self, key: tuple[int, str, str], count: int) -> None:
        if key in self._counters or len(self._counters) < MOST_COUNTERS:
            self._counters[key] += count

    def _has_room(self, source: str, minute: int) -> bool:
        if minute != self._minute:
            self._minute = minute
            self._recorded.clear()
        self._recorded[source] += 1
        return self._recorded[source] <= RECORDS_A_MINUTE


def taken_in(group: Sequence[Accepted], now: int) -> Counters:
    """Each was counted as refused when it came, so that it counts as taken in now, and as nothing else."""
    return Counter((now // MINUTE, accepted.source, "taken_in") for accepted in group)


def counted(group: Sequence[Accepted], kept: Sequence[Kept]) -> Counters:
    """Each accepted request counts as accepted, and besides as duplicate or unreadable if it was."""
    counters: Counters = Counter()
    for accepted, one in zip(group, kept, strict=True):
        minute = accepted.received_at // MINUTE
        counters[minute, accepted.source, "accepted"] += 1
        if one.duplicate:
            counters[minute, accepted.source, "duplicate"] += 1
        if accepted.verified.unreadable:
            counters[minute, accepted.source, "unreadable"] += 1
    return counters
