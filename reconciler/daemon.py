"""The daemon: takes the lease of every source that it can have, keeps those sources, and prunes once an hour."""

import asyncio
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.budget import Budget
from reconciler.hearing import Hearing
from reconciler.keeping import Keeping, until_first
from reconciler.leasing import leased
from reconciler.owned import Owned, authorization_of, client_of, pace_of, patience_of, sockets_of, terms_of
from reconciler.rounds import pruning
from reconciler.sharing import Sharing
from reconciler.sweep import Swept, recorded
from reconciler.targets import Targets
from schemas.config import Config, Source
from schemas.dialects import dialect_of
from schemas.tables import SourceRow
from schemas.times import HOUR, SECOND
from storage import leases, sources
from storage.engine import StoreAway
from storage.files import files_for
from storage.leases import Lease, LeaseLost
from storage.store import Store
from storage.waiting import happens_within, stop_if_asked

log = structlog.get_logger()

TRY_AGAIN_SECONDS = 1.0
PRUNE_EVERY, PRUNE_TRY_SECONDS = HOUR, 300.0


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
        self._files = files_for(config.data)
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._owned: dict[str, Owned] = {}
        self._sharing = Sharing(store, self._holder, self._lease_length, len(config.sources), clock)
        self._targets = Targets(config, store, self._holder, clock, jitter, transport)
        self._tasks: asyncio.TaskGroup | None = None
        self._changed: dict[str, asyncio.Event] = {}  # of each source that has a task
        self._retention_changed = asyncio.Event()

    async def run(self) -> None:
        """Keep our share of the sources until cancelled; then give the leases back."""
        log.info("reconciling", reconciler=self._holder, sources=sorted(self._config.sources))
        async with self._sharing.present(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for name in self._config.sources:
                self._begin(name)
            tasks.create_task(self._store.engine.watch(self.wake))
            tasks.create_task(self._targets.run())
            tasks.create_task(self._prune())

    def reload(self, config: Config) -> None:
        """
        Go by another configuration. A source that it leaves as it was is kept without a pause. Any other is finished, and begun
        anew if it is configured still; the settings of [reconciler] are everybody's.
        """
        before, self._config = self._config, config
        self._sharing.configure(self._lease_length, len(config.sources))
        if before.retention != config.retention:
            self._retention_changed.set()
        self._targets.reload(config)
        for name, changed in self._changed.items():
            if _has_changed(before, config, name):
                changed.set()
        for name in config.sources.keys() - self._changed.keys():
            self._begin(name)

    async def run_once(self) -> dict[str, int | None]:
        """
        Do all that is due now and return how much that was for each source, and then for each target, called `handoffs.NAME`;
        None where another reconciler owns it.
        """
        done: dict[str, int | None] = {}
        for source in self._config.sources.values():
            try:
                async with self._lease(source) as lease:
                    done[source.name] = None if lease is None else await self._keep_until_quiet(source, lease)
            except LeaseLost:
                log.warning("lease_lost", source=source.name)
                done[source.name] = None
        handed_on = await self._targets.run_once()
        return {**done, **{f"handoffs.{name}": count for name, count in handed_on.items()}}

    async def submit(self, source: Source) -> bool:
        """Send what is stored to be submitted to a source, and nothing else. False where another reconciler owns it."""
        while True:
            try:
                async with self._lease(source) as lease:
                    if lease is None:
                        return False
                    async with self._own(source, lease) as owned:
                        await Keeping(owned).until_submitted(self._lease_length)
                    return True
            except LeaseLost:  # to whoever has it now, or only to time, when the machine stood still
                log.warning("lease_lost", source=source.name)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    def wake(self) -> None:
        """Something new was stored by this process."""
        for owned in self._owned.values():
            owned.woken.set()
        self._targets.wake()

    def _begin(self, name: str) -> None:
        if self._tasks is not None:
            self._changed[name] = asyncio.Event()
            self._tasks.create_task(self._keep_as_configured(name))

    async def _keep_as_configured(self, name: str) -> None:
        """Keep a source, anew whenever its configuration has changed, until it is configured no more."""
        while (source := self._config.sources.get(name)) is not None:
            changed = self._changed[name] = asyncio.Event()
            await until_first(changed.wait(), self._keep_for_ever(source))
        del self._changed[name]
        log.info("source_ended", source=name)

    async def _keep_for_ever(self, source: Source) -> None:
        while True:
            try:
                async with self._sharing.place(source.name) as place:
                    if place.is_given:
                        await self._keep_if_free(source, place.decided)
            except LeaseLost:
                log.warning("lease_lost", source=source.name)
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", source=source.name, error=str(error))
            except Exception:
                stop_if_asked()
                # An error of ours with one source must not take the others down.
                log.exception("source_broke", source=source.name)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _keep_if_free(self, source: Source, decided: Callable[[], None]) -> None:
        async with self._lease(source) as lease:
            decided()
            if lease is None:
                return
            async with self._own(source, lease) as owned:
                await Keeping(owned).keep(self._lease_length, self._sharing.handing_over(source.name))
                log.info("lease_handed_over", source=source.name, fence=lease.fence)

    async def _keep_until_quiet(self, source: Source, lease: Lease) -> int:
        async with self._own(source, lease) as owned:
            return await Keeping(owned).until_quiet(self._lease_length)

    @asynccontextmanager
    async def _lease(self, source: Source) -> AsyncIterator[Lease | None]:
        """The lease of a source, given back at the end; None while somebody else has it."""

        async def enter(connection: AsyncConnection, now: int) -> None:
            await sources.enter(connection, source.name, source.dialect, now)

        name, length = f"source:{source.name}", self._lease_length
        async with leased(self._store, name, self._holder, length, self._clock, enter) as lease:
            yield lease

    @asynccontextmanager
    async def _own(self, source: Source, lease: Lease) -> AsyncIterator[Owned]:
        async with self._store.reading() as connection:
            row = await sources.get(connection, source.name)
        await self._tidy(source)
        dialect = dialect_of(source)
        authorization = authorization_of(self._config, source, dialect, self._clock, self._transport)
        async with client_of(self._config, source, authorization, self._transport, self._clock) as client:
            owned = Owned(
                source=source,
                dialect=dialect,
                store=self._store,
                client=client,
                sockets=sockets_of(self._config, source, authorization),
                authorization=authorization,
                lease=lease,
                pace=pace_of(self._config),
                claim_patience=int(self._config.reconciler.trouble_after_seconds * SECOND),
                terms=terms_of(self._config, source, row.listening_since if row else self._clock()),
                files=self._files,
                max_file_bytes=self._config.data.max_file_bytes,
                concurrency=source.concurrency or self._config.reconciler.concurrency,
                list_trust=int(source.list_trust_seconds * SECOND),
                webhook_url=self._config.receiver.webhook_url(source.name),
                local_url=self._config.receiver.local_url(source.name),
                patience=patience_of(self._config),
                handoffs=lambda: self._config.handoffs,
                budget=Budget(source.requests_per_minute),
                swept=recorded(row) if row else Swept(),
                attempted=_attempted(row),
                hearing=Hearing(row.heard_at, row.unheard_ends, row.unheard_since) if row else Hearing(),
                recorded_clock=row.clock_ahead if row else None,
                clock=self._clock,
                jitter=self._jitter,
            )
            self._owned[source.name] = owned
            try:
                yield owned
            finally:
                del self._owned[source.name]

    async def _tidy(self, source: Source) -> None:
        """Remove what whoever kept the source before us left half written. Without a place for files it is kept all the same."""
        try:
            await self._files.tidy(source.name)
        except OSError as error:
            log.error("files_not_tidied", source=source.name, place=self._files.place, error=str(error))

    async def _prune(self) -> None:
        """Once an hour, by whichever reconciler comes first; and at once when the retention has changed."""
        while True:
            try:
                if self._retention_changed.is_set() or await self._is_our_turn_to_prune():
                    self._retention_changed.clear()
                    await pruning.run_once(self._store, self._config.retention, self._clock())
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", chore="prune", error=str(error))
            except Exception:
                stop_if_asked()
                log.exception("chore_broke", chore="prune")
            await happens_within(self._retention_changed, PRUNE_TRY_SECONDS)

    async def _is_our_turn_to_prune(self) -> bool:
        clock = self._store.engine.lease_clock(self._clock())
        async with self._store.writing() as connection:
            lease = await leases.acquire(connection, "chore:prune", secrets.token_hex(8), PRUNE_EVERY, clock)
        return lease is not None

    @property
    def _lease_length(self) -> int:
        return int(self._config.reconciler.lease_seconds * SECOND)


def _attempted(row: SourceRow | None) -> tuple[int, int] | None:
    """What is known of the provider's newest attempt to deliver."""
    return None if row is None or row.last_attempt_at is None else (row.last_attempt_at, row.last_attempt_status or 0)


def _has_changed(before: Config, after: Config, source: str) -> bool:
    """Whether a source is to be kept anew."""
    is_everybodys = before.reconciler != after.reconciler
    is_its_own = before.sources.get(source) != after.sources.get(source)
    return is_everybodys or is_its_own or before.receiver.webhook_url(source) != after.receiver.webhook_url(source)
