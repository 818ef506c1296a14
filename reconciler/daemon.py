"""The daemon: takes the lease of every source that it can have, keeps those sources, and sweeps the floor once an hour."""

import asyncio
import contextlib
import os
import random
import secrets
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import structlog
from sqlalchemy.exc import OperationalError

from reconciler.budget import Budget
from reconciler.keeping import Keeping, stop_if_asked
from reconciler.owned import Owned, client_of, dialect_of, pace_of, rules_of, terms_of
from reconciler.rounds import pruning
from reconciler.sweep import Swept, recorded
from schemas.config import Config, Source
from schemas.times import SECOND
from storage import leases, sources
from storage.file_lock import FileLock, beside
from storage.leases import Lease, LeaseLost
from storage.store import Store
from storage.watch import INTERVAL_SECONDS, Watch

log = structlog.get_logger()

TRY_AGAIN_SECONDS = 1.0
SWEEP_EVERY_SECONDS = 3600.0


class Reconciler:
    """One process's daemon. `clock` answers in microseconds since 1970; `transport` stands in for the network, in simulations."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Callable[[], int],
        jitter: Callable[[], float] = random.random,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config, self._store, self._clock, self._jitter = config, store, clock, jitter
        self._transport = transport
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._owned: dict[str, Owned] = {}

    async def run(self) -> None:
        """Keep every source until cancelled; then give the leases back."""
        async with asyncio.TaskGroup() as tasks:
            for source in self._config.sources.values():
                tasks.create_task(self._keep_for_ever(source))
            tasks.create_task(self._watch())
            tasks.create_task(self._sweep())

    async def run_once(self) -> dict[str, int | None]:
        """Do all that is due now and return how much that was for each source; None where another reconciler owns it."""
        done: dict[str, int | None] = {}
        for source in self._config.sources.values():
            try:
                async with self._lease(source) as lease:
                    done[source.name] = None if lease is None else await self._keep_until_quiet(source, lease)
            except LeaseLost:
                log.warning("lease_lost", source=source.name)
                done[source.name] = None
        return done

    def wake(self) -> None:
        """Something new was stored by this process."""
        for owned in self._owned.values():
            owned.woken.set()

    async def _keep_for_ever(self, source: Source) -> None:
        while True:
            try:
                async with self._lease(source) as lease:
                    if lease is not None:
                        await self._keep(source, lease)
            except LeaseLost:
                log.warning("lease_lost", source=source.name)
            except OperationalError as error:
                stop_if_asked()
                log.error("store_trouble", source=source.name, error=str(error.orig))
            except Exception:
                stop_if_asked()
                # An error of ours with one source must not take the others down.
                log.exception("source_broke", source=source.name)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _keep(self, source: Source, lease: Lease) -> None:
        log.info("lease_taken", source=source.name, fence=lease.fence)
        async with self._own(source, lease) as owned:
            await Keeping(owned).keep(self._lease_length)

    async def _keep_until_quiet(self, source: Source, lease: Lease) -> int:
        async with self._own(source, lease) as owned:
            return await Keeping(owned).until_quiet(self._lease_length)

    @asynccontextmanager
    async def _lease(self, source: Source) -> AsyncIterator[Lease | None]:
        """The lease of a source, given back at the end; None while somebody else has it.

        The file lock dies with its process: whoever gets it knows that the lease's last holder is gone.
        """
        lock = FileLock(beside(self._store.path, f"source-{source.name}"))
        if not lock.acquire():
            yield None
            return
        try:
            lease = await self._acquire(source)
            try:
                yield lease
            finally:
                await self._release(lease)
        finally:
            lock.release()

    async def _release(self, lease: Lease) -> None:
        """Give a lease back. When the store is away it lapses by itself, and nobody has to wait for that."""
        try:
            async with self._store.writing() as connection:
                await leases.release(connection, lease)
        except OperationalError as error:
            log.warning("lease_not_released", lease=lease.name, error=str(error.orig))

    async def _acquire(self, source: Source) -> Lease:
        name, length = f"source:{source.name}", self._lease_length
        async with self._store.writing() as connection:
            now = self._clock()
            await sources.enter(connection, source.name, source.dialect, now)
            lease = await leases.acquire(connection, name, self._holder, length, now, holder_is_gone=True)
        if lease is None:
            raise LeaseLost(f"{name} could not be taken")
        return lease

    @asynccontextmanager
    async def _own(self, source: Source, lease: Lease) -> AsyncIterator[Owned]:
        async with self._store.reading() as connection:
            row = await sources.get(connection, source.name)
        dialect = dialect_of(source)
        async with client_of(self._config, source, self._transport) as client:
            owned = Owned(
                source=source,
                dialect=dialect,
                store=self._store,
                client=client,
                lease=lease,
                pace=pace_of(self._config),
                rules=rules_of(self._config, dialect),
                terms=terms_of(self._config, source, row.listening_since if row else self._clock()),
                concurrency=source.concurrency or self._config.reconciler.concurrency,
                list_trust=int(source.list_trust_seconds * SECOND),
                budget=Budget(source.requests_per_minute),
                swept=recorded(row) if row else Swept(),
                clock=self._clock,
                jitter=self._jitter,
            )
            self._owned[source.name] = owned
            try:
                yield owned
            finally:
                del self._owned[source.name]

    async def _watch(self) -> None:
        """Wake when another process has written: a receiver, or somebody who asks for something."""
        watch = Watch(self._store.path)
        try:
            while True:
                await asyncio.sleep(INTERVAL_SECONDS)
                with contextlib.suppress(
                    sqlite3.OperationalError
                ):  # the rounds themselves tell of a store that is away
                    if watch.has_changed():
                        self.wake()
        finally:
            watch.close()

    async def _sweep(self) -> None:
        while True:
            try:
                await pruning.run_once(self._store, self._config.retention, self._clock())
            except OperationalError as error:
                stop_if_asked()
                log.error("store_trouble", chore="prune", error=str(error.orig))
            await asyncio.sleep(SWEEP_EVERY_SECONDS)

    @property
    def _lease_length(self) -> int:
        return int(self._config.reconciler.lease_seconds * SECOND)
