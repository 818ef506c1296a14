"""A target that this process owns: its configuration, how it is told, and the lease under which its hand-offs are written."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.telling import Telling
from reconciler.telling.command import CommandTelling, without_secrets
from reconciler.telling.http import HttpTelling
from schemas.config import Config, Handoff
from storage import leases
from storage.leases import Lease
from storage.store import Store


@dataclass
class Target:
    """Handed to the round. `clock` answers in microseconds, `jitter` with a number from 0 to 1."""

    handoff: Handoff
    store: Store
    telling: Telling
    lease: Lease
    clock: Callable[[], int]
    jitter: Callable[[], float]
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.handoff.name

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction under the lease. Raises LeaseLost, and writes nothing, when the target is not ours any more."""
        async with self.store.writing() as connection:
            await leases.require(connection, self.lease, self.store.engine.lease_clock(self.clock()))
            yield connection

    async def renew(self, length: int) -> None:
        """Prolong the lease by `length` from now. Raises LeaseLost."""
        async with self.store.writing() as connection:
            await leases.renew(connection, self.lease, length, self.store.engine.lease_clock(self.clock()))


def telling_of(
    config: Config, target: Handoff, clock: Callable[[], int], transport: httpx.AsyncBaseTransport | None = None
) -> Telling:
    """How a target is told, as its type says."""
    if target.type == "command":
        environment = without_secrets(os.environ, config.secret_variables)
        return CommandTelling(target.command, target.timeout_seconds, environment)
    if target.url is None or target.secret is None:
        raise ValueError(f"the target {target.name} has no URL or no secret")
    return HttpTelling(target.url, target.secret, target.timeout_seconds, clock, transport)
