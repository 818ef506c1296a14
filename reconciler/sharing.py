"""Sharing: all who reconcile on one store keep about as many sources each.

Each says that it is there by a lease of its own, which lapses when it stops. From how many do so follows how many sources
each may keep. A source that nobody takes all the same is taken by whoever sees it: the others may not know it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import NamedTuple

import structlog

from schemas.times import DAY, SECOND
from storage import leases
from storage.engine import StoreAway
from storage.leases import Lease
from storage.store import Store
from storage.waiting import stop_if_asked

log = structlog.get_logger()

PRESENCE = "reconciler:"
PATIENCE = 4  # lengths of a lease: a source that is being handed over is free for a moment, too


def share(sources: int, reconcilers: int) -> int:
    """How many sources one of so many reconcilers keeps at most, so that each source is kept."""
    return -(-sources // max(1, reconcilers))


def surplus(kept: Collection[str], most: int) -> Sequence[str]:
    """The sources to hand over to others."""
    return sorted(kept)[most:]


class Place(NamedTuple):
    """Whether a source may be kept. Whoever knows whether it is says so by `decided`, for the sake of the next."""

    is_given: bool
    decided: Callable[[], None]


class Sharing:
    """One reconciler's places for sources. `length` is how long its word that it is there holds, in microseconds."""

    def __init__(self, store: Store, holder: str, length: int, sources: int, clock: Callable[[], int]) -> None:
        self._store, self._holder, self._length, self._clock = store, holder, length, clock
        self._sources = sources
        self._presence = Lease(f"{PRESENCE}{holder}", holder, 0)
        self._reconcilers = 1
        self._most = sources
        self._kept: dict[str, asyncio.Event] = {}
        self._alone: set[str] = set()
        self._trying = asyncio.Lock()
        self._free_since: dict[str, int] = {}

    def configure(self, length: int, sources: int) -> None:
        """Go by another number of sources."""
        self._length, self._sources = length, sources
        self._share_out()

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Be one of those who share, for as long as the block lasts."""
        await self._tell()
        task = asyncio.create_task(self._tell_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._leave()

    @asynccontextmanager
    async def place(self, source: str) -> AsyncIterator[Place]:
        """A place for a source, if there is one. They are tried in turn: a try in vain takes no place from the next."""
        await self._trying.acquire()
        with ExitStack() as turn:
            turn.callback(self._trying.release)
            if not await self._has_place(source):
                yield Place(False, turn.close)
                return
            self._free_since.pop(source, None)
            self._kept[source] = asyncio.Event()
            try:
                yield Place(True, turn.close)
            finally:
                del self._kept[source]
                self._alone.discard(source)

    async def _has_place(self, source: str) -> bool:
        if len(self._kept.keys() - self._alone) < self._most:
            return True
        if await self._is_left_alone(source):
            self._alone.add(source)
            return True
        return False

    def handing_over(self, source: str) -> asyncio.Event:
        """Set when a source that has a place is to be left to another reconciler."""
        return self._kept[source]

    async def _is_left_alone(self, source: str) -> bool:
        """Whether nobody has kept a source for longer than anybody who knows it would let pass."""
        now = self._clock()
        async with self._store.reading() as connection:
            holder = await leases.holder_of(connection, f"source:{source}", self._store.engine.lease_clock(now))
        if holder is not None:
            self._free_since.pop(source, None)
            return False
        return now - self._free_since.setdefault(source, now) > PATIENCE * self._length

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._length / SECOND / 3)
            try:
                await self._tell()
            except Exception:
                stop_if_asked()
                log.exception("chore_broke", chore="presence")

    async def _tell(self) -> None:
        """Say that we are there, see who else is, and leave to them what is theirs."""
        clock = self._store.engine.lease_clock(self._clock())
        name = self._presence.name
        try:
            async with self._store.writing() as connection:
                lease = await leases.acquire(connection, name, self._holder, self._length, clock)
                await leases.forget(connection, PRESENCE, clock - DAY)
                reconcilers = await leases.count(connection, PRESENCE, clock)
        except StoreAway as error:
            stop_if_asked()
            log.error("store_trouble", chore="presence", error=str(error))
            return
        self._presence = lease or self._presence
        self._reconcilers = reconcilers
        self._share_out()

    def _share_out(self) -> None:
        self._most = share(self._sources, self._reconcilers)
        for source in surplus(self._kept.keys() - self._alone, self._most):
            self._kept[source].set()

    async def _leave(self) -> None:
        try:
            async with self._store.writing() as connection:
                await leases.release(connection, self._presence)
        except StoreAway as error:
            log.warning("lease_not_released", lease=self._presence.name, error=str(error))
