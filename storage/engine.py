"""What an engine has to bring, so that everything else in storage is written once for SQLite and PostgreSQL."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.ledger_rows import Accepted, Kept
from storage.ledger_tallies import Counters, Record


class StoreAway(Exception):
    """The store cannot be reached, is full, or is busy for too long: no row's fault. Nothing was written; try again later."""


class StoreUnusable(StoreAway):
    """The store is damaged or closed to us, and waiting does not mend it. The message says what to do."""


class Lock(Protocol):
    """A lock that dies with its process."""

    def acquire(self) -> bool: ...
    def release(self) -> None: ...


class Turns(Protocol):
    """Fairness among processes that wait for one write lock."""

    async def mine(self) -> None:
        """Wait, if others have had no chance for long. Called before the lock is taken."""
        ...

    def over(self, since: float) -> None:
        """The lock is free again. It was taken at this time of the monotonic clock."""
        ...


class Book(Protocol):
    """Where the ledger's writer puts its groups. Used in the writer's own thread alone."""

    def transaction(self) -> AbstractContextManager[None]:
        """Connect if need be, begin, and at the end commit; or roll back, when anything was raised."""
        ...

    def write_rows(self, group: Sequence[Accepted], new_id: Callable[[], int]) -> list[Kept]:
        """Write accepted requests. Each gets its own answer, in order."""
        ...

    def count(self, counters: Counters) -> None:
        """Add to the counters of each minute, of each hour, and since ever."""
        ...

    def record(self, records: Sequence[tuple[int, Record]]) -> None:
        """Write refusals, and what is kept of their requests, each under the id given."""
        ...

    def held(self, source: str) -> list[tuple[int, str, str, int]]:
        """Id, reason, neighbourhood and size of the refused requests of a source that are not taken in, oldest first."""
        ...

    def let_go(self, ids: Sequence[int]) -> None:
        """Delete refused requests that are not taken in; of extra ones, the refusal as well."""
        ...

    def open_requests(self, ids: Sequence[int]) -> set[int]:
        """Which of these refused requests are there and not taken in. Nobody else takes them in before this transaction ends."""
        ...

    def mark_taken_in(self, taken: Sequence[tuple[int, int]], now: int) -> None:
        """Note which receipt each of these refused requests became, and of that what it was. Their bytes are that receipt's
        from now on."""
        ...

    def is_away(self, error: Exception) -> bool:
        """Whether the store itself is away, and not one row at fault."""
        ...

    def may_go_now(self, error: Exception) -> bool:
        """Whether the same group may go in at the next try: an id was taken already, or others stood in the way."""
        ...

    def named(self, error: Exception) -> str:
        """What happened, in words that hold nothing of the request."""
        ...

    def disconnect(self) -> None: ...
    def close(self) -> None:
        """Disconnect for good."""
        ...


class Engine(Protocol):
    """One database, before it is opened. `place` is how messages name it; it holds no password."""

    @property
    def place(self) -> str: ...
    def is_missing(self) -> bool:
        """Whether there is certainly nothing there yet."""
        ...

    def prepare(self) -> None:
        """Make what has to be there before anybody connects. Raises UnsafeDatabaseFile."""
        ...

    def writer(self) -> AsyncEngine: ...
    def reader(self) -> AsyncEngine:
        """Connections on which nothing can be written."""
        ...

    def away(self, error: Exception) -> str | None:
        """Why the store is away, if that is what an error says."""
        ...

    def unusable(self, error: Exception) -> str | None:
        """Why this database can never be used as it is, if that is what an error says, and what to do."""
        ...

    def begin_migration(self, connection: Connection) -> None:
        """See to it that one migrates at a time."""
        ...

    def lease_clock(self, now: int) -> Any:
        """The time by which leases are judged: one clock for all who share the store. A number or an SQL expression."""
        ...

    def lock(self, name: str) -> Lock | None:
        """A lock that tells at once that its holder is gone; None where processes on other machines share the store."""
        ...

    def turns(self) -> Turns | None:
        """For an engine whose write lock knows no queue."""
        ...

    async def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever another process may have written something to do, until cancelled."""
        ...

    def book(self) -> Book: ...
