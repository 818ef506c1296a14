"""Targets: a task for each that is configured, which hands on whenever its lease can be had. One that hangs holds up no other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import structlog

from reconciler.handing import Handing
from reconciler.keeping import until_first
from reconciler.leasing import leased
from reconciler.target import Target, telling_of
from schemas.config import Config, Handoff
from schemas.times import SECOND
from storage.engine import StoreAway
from storage.leases import Lease, LeaseLost
from storage.store import Store
from storage.waiting import stop_if_asked

log = structlog.get_logger()

TRY_AGAIN_SECONDS = 1.0
LEASE = "handoff:"


class Targets:
    """One process's targets. `holder` is how it is named in leases."""

    def __init__(
        self,
        config: Config,
        store: Store,
        holder: str,
        clock: Callable[[], int],
        jitter: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config, self._store, self._holder = config, store, holder
        self._clock, self._jitter, self._transport = clock, jitter, transport
        self._owned: dict[str, Target] = {}
        self._changed: dict[str, asyncio.Event] = {}  # of each target that has a task
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Hand on until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for name in self._config.handoffs:
                self._begin(name)
            await asyncio.Event().wait()  # there may be none now, and some after a reload

    def reload(self, config: Config) -> None:
        """Go by another configuration. A target that it leaves as it was is kept without a pause."""
        before, self._config = self._config, config
        for name, changed in self._changed.items():
            if _is_everybodys(before, config) or before.handoffs.get(name) != config.handoffs.get(name):
                changed.set()
        for name in config.handoffs.keys() - self._changed.keys():
            self._begin(name)

    async def run_once(self) -> dict[str, int | None]:
        """Make the attempts that are due now, at all targets side by side. How many that were for each; None where another
        reconciler owns it."""
        names = list(self._config.handoffs)
        return dict(zip(names, await asyncio.gather(*map(self._once, names)), strict=True))

    def wake(self) -> None:
        """Something new was stored by this process."""
        for target in self._owned.values():
            target.woken.set()

    def _begin(self, name: str) -> None:
        if self._tasks is not None:
            self._changed[name] = asyncio.Event()
            self._tasks.create_task(self._keep_as_configured(name))

    async def _keep_as_configured(self, name: str) -> None:
        """Keep a target, anew whenever its configuration has changed, until it is configured no more."""
        while (handoff := self._config.handoffs.get(name)) is not None:
            changed = self._changed[name] = asyncio.Event()
            await until_first(changed.wait(), self._keep_for_ever(handoff))
        del self._changed[name]
        log.info("target_ended", target=name)

    async def _keep_for_ever(self, handoff: Handoff) -> None:
        while True:
            try:
                async with self._leased(handoff) as lease:
                    if lease is not None:
                        await self._keep(handoff, lease)
            except LeaseLost:
                log.warning("lease_lost", target=handoff.name)
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", target=handoff.name, error=str(error))
            except Exception:
                stop_if_asked()
                # An error of ours with one target must not take the others down.
                log.exception("target_broke", target=handoff.name)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _keep(self, handoff: Handoff, lease: Lease) -> None:
        async with self._own(handoff, lease) as target:
            await Handing(target).keep(self._lease_length)

    async def _once(self, name: str) -> int | None:
        handoff = self._config.handoffs[name]
        try:
            async with self._leased(handoff) as lease:
                if lease is None:
                    return None
                async with self._own(handoff, lease) as target:
                    return await Handing(target).until_quiet(self._lease_length)
        except LeaseLost:
            log.warning("lease_lost", target=name)
            return None

    @asynccontextmanager
    async def _leased(self, handoff: Handoff) -> AsyncIterator[Lease | None]:
        name = f"{LEASE}{handoff.name}"
        async with leased(self._store, name, self._holder, self._lease_length, self._clock) as lease:
            yield lease

    @asynccontextmanager
    async def _own(self, handoff: Handoff, lease: Lease) -> AsyncIterator[Target]:
        telling = telling_of(self._config, handoff, self._clock, self._transport)
        self._owned[handoff.name] = Target(handoff, self._store, telling, lease, self._clock, self._jitter)
        try:
            yield self._owned[handoff.name]
        finally:
            del self._owned[handoff.name]
            await telling.close()

    @property
    def _lease_length(self) -> int:
        return int(self._config.reconciler.lease_seconds * SECOND)


def _is_everybodys(before: Config, after: Config) -> bool:
    """Whether something has changed that counts for every target: the pace of leases, or what no program may see."""
    return before.reconciler != after.reconciler or before.secret_variables != after.secret_variables
