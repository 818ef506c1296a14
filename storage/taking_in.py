"""Taking in what was refused, once it has been found authentic after all: by the ledger's own book, in the ledger's own form.

Each group is one transaction: the requests are written as accepted ones are, and marked as taken in. Whoever is killed leaves a
group whole or not at all, and two who take in the same do so once. The receiver's lock is not needed for it: that keeps a second
receiver from a SQLite file, and SQLite's own lock sees to it that one writes at a time.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from storage.engine import Book, Engine, StoreAway
from storage.ledger_rows import Accepted, Kept
from storage.ledger_tallies import taken_in
from storage.points import reach
from storage.store import Store

TRIES = 3


class Again(NamedTuple):
    """A refused request, by the number of its refusal, and what it is now found to be."""

    refusal: int
    accepted: Accepted


class TakingIn:
    """One after another, and with pauses for whoever else wants to write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turns = store.engine.turns()

    async def take_in(self, group: Sequence[Again], now: int) -> dict[int, Kept]:
        """What became of each, by the number of its refusal. One that was taken in or deleted meanwhile is not among them.

        Raises:
            StoreAway: nothing of this group was written.
        """
        if self._turns is not None:
            await self._turns.mine()
        since = time.monotonic()
        try:
            return await asyncio.to_thread(_take_in, self._store.engine, group, self._store.new_id, now)
        finally:
            if self._turns is not None:
                self._turns.over(since)


def _take_in(engine: Engine, group: Sequence[Again], new_id: Callable[[], int], now: int) -> dict[int, Kept]:
    """In a thread: one transaction, tried again while what stood in its way was no fault of the group's."""
    book = engine.book()
    try:
        for _ in range(TRIES - 1):
            try:
                return _take_in_once(book, group, new_id, now)
            except Exception as error:
                if not book.may_go_now(error):
                    raise
        return _take_in_once(book, group, new_id, now)
    except Exception as error:
        if book.is_away(error):
            raise StoreAway(book.named(error)) from error
        raise
    finally:
        book.close()


def _take_in_once(book: Book, group: Sequence[Again], new_id: Callable[[], int], now: int) -> dict[int, Kept]:
    with book.transaction():
        waiting = book.open_requests([one.refusal for one in group])
        chosen = [one for one in group if one.refusal in waiting]
        if not chosen:
            return {}
        accepted = [one.accepted for one in chosen]
        kept = book.write_rows(accepted, new_id)
        taken = {one.refusal: receipt for one, receipt in zip(chosen, kept, strict=True)}
        book.mark_taken_in([(refusal, one.receipt) for refusal, one in taken.items()], now)
        book.count(taken_in(accepted, now))
        reach("V2")
    reach("V3")
    return taken
