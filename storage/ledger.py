"""The ledger of deliveries: the only code that inserts deliveries, receipts and bodies, and it commits in groups.

What `append` has answered is on disk. One process at a time receives into a SQLite file; a lock that dies with the
process sees to that. On PostgreSQL any number of processes do. What was refused is taken in later by `storage.taking_in`,
through the same book, and beside whoever receives.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from storage.engine import Engine
from storage.ledger_rows import Accepted, Kept
from storage.ledger_tallies import Refusal, RefusedRequest, Tallies
from storage.ledger_writer import Entry, NotStored, Outcome, Writer

__all__ = ["Accepted", "Kept", "Ledger", "LedgerInUse", "NotStored", "QueueFull", "Refusal", "RefusedRequest"]

QUEUE_BYTES = 64 << 20


class QueueFull(NotStored):
    """More requests wait for a commit than may wait."""


class LedgerInUse(Exception):
    """Another process takes deliveries into this file. The message says what to do."""


class Ledger:
    """Opened with `await ledger.start()`, closed with `await ledger.close()`, used on one event loop.

    `on_commit` is called in that loop after each commit that brought new receipts.
    """

    def __init__(
        self,
        engine: Engine,
        new_id: Callable[[], int],
        *,
        queue_limit: int = 4_096,
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        self._place = engine.place
        self._queue_limit = queue_limit
        self._on_commit = on_commit
        self._tallies = Tallies()
        self._writer = Writer(engine.book(), new_id, self._tallies, self._answer_soon)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = engine.lock("receiver")
        self._waiting = 0
        self._waiting_bytes = 0

    async def start(self) -> None:
        """
        Take the lock, where the engine has one, and begin to write.

        Raises:
            LedgerInUse: another process has it.
        """
        if self._lock is not None and not self._lock.acquire():
            raise LedgerInUse(
                f"another receiver writes to {self._place}: one receiver per SQLite file. Stop the other one, or give this "
                "one another file in [database] url, or let both use PostgreSQL, which takes any number of receivers: "
                'url = "postgresql://USER@HOST/NAME"'
            )
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def close(self) -> None:
        """Finish what is queued, then let go of the store."""
        if self._loop is None:
            return
        self._loop = None
        self._writer.inbox.put(None)
        await asyncio.to_thread(self._writer.join)
        if self._lock is not None:
            self._lock.release()

    def append(self, accepted: Accepted) -> "asyncio.Future[Kept]":
        """
        Queue one accepted request; what is returned is done when it is on disk, or has failed with NotStored.

        Raises:
            NotStored: the ledger is closed, or (QueueFull) too much is waiting already.
        """
        return self._put(accepted, len(accepted.body), accepted.received_at)

    async def probe(self, now: int) -> None:
        """Commit something tiny the way that a delivery goes; raises NotStored when that cannot be done."""
        await self._put(None, 0, now)

    def refuse(self, refusal: Refusal, request: RefusedRequest | None = None) -> None:
        """Tell of a request that was not accepted. Costs nobody a wait: it is written when there is time.

        With the `request`, that is kept, too, as long as there is room: it can then be verified once more.
        """
        self._tallies.refuse(refusal, request)

    def _put(self, accepted: Accepted | None, weight: int, now: int) -> "asyncio.Future[Kept]":
        if self._loop is None:
            raise NotStored("the ledger is not open")
        if self._waiting >= self._queue_limit or self._waiting_bytes + weight > QUEUE_BYTES:
            raise QueueFull("too many requests wait for a commit")
        future: asyncio.Future[Kept] = self._loop.create_future()
        self._waiting += 1
        self._waiting_bytes += weight
        self._writer.inbox.put(Entry(future, accepted, now))
        return future

    def _answer_soon(self, outcomes: list[Outcome]) -> None:
        """From the writer's thread: one call into the loop for the whole group."""
        with suppress(RuntimeError):  # the loop may be gone already, and with it whoever waited
            outcomes[0][0].future.get_loop().call_soon_threadsafe(self._answer, outcomes)

    def _answer(self, outcomes: list[Outcome]) -> None:
        has_receipts = False
        for (future, accepted, _), outcome in outcomes:
            self._waiting -= 1
            self._waiting_bytes -= len(accepted.body) if accepted else 0
            has_receipts = has_receipts or (accepted is not None and not isinstance(outcome, NotStored))
            if future.done():
                continue
            if isinstance(outcome, NotStored):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if has_receipts and self._on_commit:
            self._on_commit()
