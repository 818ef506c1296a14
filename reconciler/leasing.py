"""Having a lease for a while: of a source, or of a target."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import leases
from storage.engine import StoreAway
from storage.leases import Lease
from storage.store import Store

log = structlog.get_logger()

Enter = Callable[[AsyncConnection, int], Awaitable[None]]


@asynccontextmanager
async def leased(
    store: Store, name: str, holder: str, length: int, clock: Callable[[], int], enter: Enter | None = None
) -> AsyncIterator[Lease | None]:
    """
    The lease of this name, such as `source:gateway`, given back at the end; None while somebody else has it.

    `length` is in microseconds. `enter` is called in the transaction that takes it, with the time. Where the engine has a lock,
    that dies with its process: whoever gets it knows that the lease's last holder is gone.
    """
    lock = store.engine.lock(name.replace(":", "-"))
    if lock is not None and not lock.acquire():
        yield None
        return
    try:
        lease = await _acquire(store, name, holder, length, clock, enter, holder_is_gone=lock is not None)
        try:
            yield lease
        finally:
            if lease is not None:
                await _release(store, lease)
    finally:
        if lock is not None:
            lock.release()


async def _acquire(
    store: Store,
    name: str,
    holder: str,
    length: int,
    clock: Callable[[], int],
    enter: Enter | None,
    holder_is_gone: bool,
) -> Lease | None:
    async with store.writing() as connection:
        now = clock()
        lease_clock = store.engine.lease_clock(now)
        before = await leases.last_holder(connection, name)
        lease = await leases.acquire(connection, name, holder, length, lease_clock, holder_is_gone)
        if lease is not None and enter is not None:
            # After the lease, as in every transaction under it: else two could wait for each other.
            await enter(connection, now)
    if lease is not None:
        sort, _, of = name.partition(":")
        log.info("lease_taken", **{sort: of}, fence=lease.fence, before=before)
    return lease


async def _release(store: Store, lease: Lease) -> None:
    """Give a lease back. When the store is away it lapses by itself, and nobody has to wait for that."""
    try:
        async with store.writing() as connection:
            await leases.release(connection, lease)
    except StoreAway as error:
        log.warning("lease_not_released", lease=lease.name, error=str(error))
