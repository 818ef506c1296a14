"""The heartbeat of those who reconcile: each says a few times in the length of a lease that it is there."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.sharing import PRESENCE
from schemas.config import Config
from schemas.times import SECOND
from storage import leases
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How many reconcilers there are now, and how long ago one was last heard of, in microseconds; None: none ever was, or the
    last one ended in good order."""

    reconcilers: int = 0
    age: int | None = None


async def heartbeat(connection: AsyncConnection, store: Store, config: Config, now: int) -> Heartbeat:
    """By the clock that leases are judged by, and by the length that this configuration gives to them."""
    left = (await leases.lasting(connection, PRESENCE, store.engine.lease_clock(now))).values()
    length = int(config.reconciler.lease_seconds * SECOND)
    ages = [max(0, length - one) for one in left]
    return Heartbeat(sum(one > 0 for one in left), min(ages, default=None))
