"""The ledger's one writer: a thread that commits whatever has gathered, and only then lets each be answered.

There are no timers in it: the next group is what came while the last one was being synced.
"""

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from schemas.times import MINUTE
from storage.engine import Book
from storage.keeping import Keeping
from storage.ledger_rows import Accepted, Kept
from storage.ledger_tallies import Counters, Notes, Tallies, counted
from storage.points import reach

GROUP_ROWS = 400  # well within what one statement can hold
GROUP_BYTES = 8 << 20
FLUSH_SECONDS = 2.0  # how long a tally may wait when no group takes it along
RECORDS_SECONDS = 1.0  # how long a record waits, lest a flood of refused requests makes every group large
COMPLAINT_SECONDS = 10.0
TRIES = 3

log = structlog.get_logger(__name__)


class NotStored(Exception):
    """The request is not on disk; whoever sent it should send it again."""


class Entry(NamedTuple):
    """One thing to commit, and who waits for it. Without a request it is a probe."""

    future: "asyncio.Future[Kept]"
    accepted: Accepted | None
    asked_at: int


Outcome = tuple[Entry, Kept | NotStored]


class Writer:
    """Runs in a thread of its own from `start` until the queue's end has been seen."""

    def __init__(
        self,
        book: Book,
        new_id: Callable[[], int],
        tallies: Tallies,
        answer: Callable[[list[Outcome]], None],
    ) -> None:
        self.inbox: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._book = book
        self._new_id = new_id
        self._tallies = tallies
        self._keeping = Keeping(book)
        self._answer = answer
        self._ended = False
        self._is_away = False
        self._complained_at = -COMPLAINT_SECONDS
        self._records_at = -RECORDS_SECONDS
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self._settle(self._gather())
        self._book.close()

    def _gather(self) -> list[Entry]:
        """All that is there, within bounds; if nothing is, what comes next."""
        group: list[Entry] = []
        weight = 0
        try:
            entry = self.inbox.get(timeout=FLUSH_SECONDS)
            while entry is not None:
                group.append(entry)
                weight += len(entry.accepted.body) if entry.accepted else 0
                if len(group) >= GROUP_ROWS or weight >= GROUP_BYTES:
                    return group
                entry = self.inbox.get_nowait()
            self._ended = True
        except queue.Empty:
            pass
        return group

    def _settle(self, group: list[Entry]) -> None:
        notes = self._tallies.take(self._takes_records(group))
        if not group and (notes.is_empty or (self._ended and self._is_away)):
            return  # at the end, tallies are not worth another wait for a store that has just been waited for in vain
        try:
            outcomes = self._commit(group, notes)
        except Exception as error:
            outcomes = self._recover(group, notes, error)
        if outcomes:
            self._answer(outcomes)

    def _takes_records(self, group: Sequence[Entry]) -> bool:
        """Now and then, at the end, and when somebody asks whether everything is written."""
        is_due = time.monotonic() - self._records_at >= RECORDS_SECONDS
        if is_due or self._ended or any(entry.accepted is None for entry in group):
            self._records_at = time.monotonic()
            return True
        return False

    def _commit(self, group: Sequence[Entry], notes: Notes) -> list[Outcome]:
        """One transaction, tried again while what stood in its way was no fault of the group's."""
        for _ in range(TRIES - 1):
            try:
                return self._commit_once(group, notes)
            except Exception as error:
                if not self._book.may_go_now(error):
                    raise
        return self._commit_once(group, notes)

    def _commit_once(self, group: Sequence[Entry], notes: Notes) -> list[Outcome]:
        rows = [entry.accepted for entry in group if entry.accepted]
        try:
            with self._book.transaction():
                kept = self._book.write_rows(rows, self._new_id) if rows else []
                self._book.count(notes.counters + counted(rows, kept) + _probes(group, len(group) - len(rows)))
                self._keeping.keep(notes.records, self._new_id)
                if rows:
                    reach("R4")
        except Exception:
            self._keeping.forget()
            raise
        if rows:
            reach("R5")
        self._is_away = False
        answers = iter(kept)
        return [(entry, next(answers) if entry.accepted else _PROBED) for entry in group]

    def _recover(self, group: list[Entry], notes: Notes, error: Exception) -> list[Outcome]:
        """A group failed: find the row that is at fault, unless the store is away, which is nobody's."""
        if self._book.is_away(error):
            self._tallies.give_back(notes)
            return self._give_up(group, error)
        outcomes: list[Outcome] = []
        for position, entry in enumerate(group):
            try:
                outcomes += self._commit([entry], _NOTHING)
            except Exception as alone:
                if self._book.is_away(alone):
                    self._tallies.give_back(notes)
                    return outcomes + self._give_up(group[position:], alone)
                self._complain("row_not_stored", alone)
                outcomes.append((entry, NotStored(self._book.named(alone))))
        self._write_alone(notes)
        return outcomes

    def _write_alone(self, notes: Notes) -> None:
        try:
            self._commit([], notes)
        except Exception as error:
            if self._book.is_away(error):
                self._tallies.give_back(notes)
            self._complain("tallies_not_stored", error)

    def _give_up(self, group: Sequence[Entry], error: Exception) -> list[Outcome]:
        """Whoever waits behind this group gets the same answer now, instead of as long a wait each."""
        self._is_away = True
        self._book.disconnect()
        waiting = list(group)
        while not self.inbox.empty():
            entry = self.inbox.get_nowait()
            if entry is None:
                self._ended = True
            else:
                waiting.append(entry)
        self._complain("store_away", error)
        return [(entry, NotStored(self._book.named(error))) for entry in waiting]

    def _complain(self, event: str, error: Exception) -> None:
        """Now and then: while the disk is full, a line for each request would not mend it."""
        if time.monotonic() - self._complained_at >= COMPLAINT_SECONDS:
            self._complained_at = time.monotonic()
            log.error(event, error=self._book.named(error))


_NOTHING = Notes(Counter())
_PROBED = Kept(0, 0, False)


def _probes(group: Sequence[Entry], count: int) -> Counters:
    """What the probes of a group, so many, add to the counters."""
    probes = [entry for entry in group if entry.accepted is None] if count else []
    return Counter((entry.asked_at // MINUTE, "", "probe") for entry in probes)
