"""Leases: who may change a source's jobs. A take-over raises the fence, and every write is checked against it."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import LeaseRow
from storage.rows import fetch_one, table

LEASES = table(LeaseRow)


class LeaseLost(Exception):
    """Somebody else holds the lease by now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was ours when we last looked."""

    name: str
    holder: str
    fence: int


async def acquire(
    connection: AsyncConnection, name: str, holder: str, length: int, now: int, holder_is_gone: bool = False
) -> Lease | None:
    """Take a lease that is free or lapsed, or whose holder is known to be gone; None while somebody else holds it."""
    row = await fetch_one(connection, LeaseRow, select(LEASES).where(LEASES.c.name == name))
    if row is not None and row.until > now and row.holder != holder and not holder_is_gone:
        return None
    fence = 1 if row is None else row.fence + 1
    values = {"name": name, "holder": holder, "fence": fence, "until": now + length}
    taken = {key: value for key, value in values.items() if key != "name"}
    await connection.execute(insert(LEASES).values(**values).on_conflict_do_update(index_elements=["name"], set_=taken))
    return Lease(name, holder, fence)


async def renew(connection: AsyncConnection, lease: Lease, length: int, now: int) -> None:
    """Prolong a lease. Raises LeaseLost when it is not ours any more."""
    await require(connection, lease, now)
    await connection.execute(update(LEASES).where(LEASES.c.name == lease.name).values(until=now + length))


async def require(connection: AsyncConnection, lease: Lease, now: int) -> None:
    """Raise LeaseLost unless the lease is still ours. Called first in every transaction that writes under it."""
    row = await fetch_one(connection, LeaseRow, select(LEASES).where(LEASES.c.name == lease.name))
    if row is None or (row.holder, row.fence) != (lease.holder, lease.fence) or row.until <= now:
        raise LeaseLost(f"{lease.name} is not ours any more")


async def release(connection: AsyncConnection, lease: Lease) -> None:
    """Give a lease back, so that the next one need not wait for it to lapse."""
    ours = (LEASES.c.name == lease.name) & (LEASES.c.holder == lease.holder) & (LEASES.c.fence == lease.fence)
    await connection.execute(update(LEASES).where(ours).values(until=0))


async def holder_of(connection: AsyncConnection, name: str, now: int) -> str | None:
    row = await fetch_one(connection, LeaseRow, select(LEASES).where(LEASES.c.name == name))
    return row.holder if row is not None and row.until > now else None
