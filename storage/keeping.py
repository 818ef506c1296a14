"""What is kept of refused requests in the store, within bounds, so that they can be verified once more.

Each source has so much room for each reason, shared evenly by the neighbourhoods of the senders. So a flood of forged
signatures takes none of the room of requests that were only late, and one neighbourhood crowds out no other.
"""

import time
from collections.abc import Callable, Sequence

from storage.engine import Book
from storage.ledger_tallies import Record
from storage.shares import Shares

MOST, MOST_BYTES = 2_000, 16 << 20  # for each source and reason
READ_AGAIN_SECONDS = 60.0  # then what others have kept, pruned and taken in is seen

Pool = tuple[str, str]


class Keeping:
    """Knows what stands there, and what has to go for more. Used in the writer's own thread, within its transactions."""

    def __init__(self, book: Book, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._book = book
        self._most = most
        self._most_bytes = most_bytes
        self._pools: dict[Pool, Shares] = {}
        self._read_at: dict[str, float] = {}

    def keep(self, records: Sequence[Record], new_id: Callable[[], int]) -> None:
        """Write refusals with what is kept of their requests, and delete what has to make place."""
        numbered = [(new_id(), record) for record in records]
        gone: list[int] = []
        for number, (refusal, request, _) in numbered:
            if request is not None:
                self._see(refusal.source)
                gone += self._pool((refusal.source, refusal.reason)).add(request.neighbourhood, number, request.weight)
        if numbered:
            self._book.record(numbered)
        if gone:
            self._book.let_go(gone)

    def forget(self) -> None:
        """What was last kept may not stand there: look again before the next."""
        self._pools.clear()
        self._read_at.clear()

    def _see(self, source: str) -> None:
        """What is kept of a source, if it was not looked at for a while."""
        now = time.monotonic()
        if now - self._read_at.get(source, now - READ_AGAIN_SECONDS) < READ_AGAIN_SECONDS:
            return
        for pool in [one for one in self._pools if one[0] == source]:
            del self._pools[pool]
        for number, reason, neighbourhood, size in self._book.held(source):
            # More than there is room for, as several receivers can have kept together, goes with the next that is kept.
            self._pool((source, reason)).take(neighbourhood, number, size)
        self._read_at[source] = now

    def _pool(self, pool: Pool) -> Shares:
        return self._pools.setdefault(pool, Shares(self._most, self._most_bytes))
