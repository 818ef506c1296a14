"""Leases: who may change a source's jobs. A take-over raises the fence, and every write is checked against it.

`now` is the engine's lease clock: a number, or an SQL expression of the server's own time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from schemas.tables import LeaseRow
from storage.rows import table, upsert
from storage.wake import wake

LEASES = table(LeaseRow)


class LeaseLost(Exception):
    """Somebody else holds the lease by now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was ours when we last looked."""

    name: str
    holder: str
    fence: int
    is_locked: bool = False  # a lock that dies with our process keeps others away, even when the time is over


async def acquire(
    connection: AsyncConnection, name: str, holder: str, length: int, now: Any, holder_is_gone: bool = False
) -> Lease | None:
    """Take a lease that is free or lapsed, or whose holder is known to be gone, because we have its lock; None while
    somebody else holds it."""
    statement = upsert(connection, LEASES).values(name=name, holder=holder, fence=1, until=now + length)
    is_free = true() if holder_is_gone else (LEASES.c.until <= now) | (LEASES.c.holder == holder)
    taken = {"holder": holder, "fence": LEASES.c.fence + 1, "until": now + length}
    # One statement, so that of many who find it lapsed only one gets it.
    statement = statement.on_conflict_do_update(index_elements=["name"], set_=taken, where=is_free)
    fence = await connection.scalar(statement.returning(LEASES.c.fence))
    return None if fence is None else Lease(name, holder, fence, holder_is_gone)


async def renew(connection: AsyncConnection, lease: Lease, length: int, now: Any) -> None:
    """Prolong a lease. Raises LeaseLost when it is not ours any more."""
    ours = _still_ours(lease, now)
    result = await connection.execute(update(LEASES).where(ours).values(until=now + length))
    if result.rowcount == 0:
        raise _lost(lease)


async def require(connection: AsyncConnection, lease: Lease, now: Any) -> None:
    """
    Raise LeaseLost unless the lease is still ours. Called first in every transaction that writes under it.

    It cannot be taken over before that transaction has ended.
    """
    ours = _still_ours(lease, now)
    # A shared lock on the lease's row; on SQLite the transaction has the whole file to itself.
    if await connection.scalar(select(LEASES.c.fence).where(ours).with_for_update(read=True)) is None:
        raise _lost(lease)


async def release(connection: AsyncConnection, lease: Lease) -> None:
    """Give a lease back, so that the next one need not wait for it to lapse."""
    ours = (LEASES.c.name == lease.name) & _held(lease)
    await connection.execute(update(LEASES).where(ours).values(until=0))
    await wake(connection)


async def last_holder(connection: AsyncConnection, name: str) -> str | None:
    """Who has it, or had it last."""
    holder: str | None = await connection.scalar(select(LEASES.c.holder).where(LEASES.c.name == name))
    return holder


async def count(connection: AsyncConnection, prefix: str, now: Any) -> int:
    """How many leases whose name begins so are held."""
    held = LEASES.c.name.startswith(prefix, autoescape=True) & (LEASES.c.until > now)
    found: int | None = await connection.scalar(select(func.count()).select_from(LEASES).where(held))
    return found or 0


async def lasting(connection: AsyncConnection, prefix: str, now: Any) -> dict[str, int]:
    """For how much longer each lease is held whose name begins so, in microseconds; below 0 for one that lapsed so long ago. One
    that was given back is left out."""
    found = LEASES.c.name.startswith(prefix, autoescape=True) & (LEASES.c.until > 0)
    rows = await connection.execute(select(LEASES.c.name, LEASES.c.until - now).where(found))
    return {name: int(left) for name, left in rows}


async def forget(connection: AsyncConnection, prefix: str, before: Any) -> None:
    """Delete leases whose name begins so and which lapsed before a time."""
    old = LEASES.c.name.startswith(prefix, autoescape=True) & (LEASES.c.until < before)
    await connection.execute(delete(LEASES).where(old))


async def holder_of(connection: AsyncConnection, name: str, now: Any) -> str | None:
    held = (LEASES.c.name == name) & (LEASES.c.until > now)
    holder: str | None = await connection.scalar(select(LEASES.c.holder).where(held))
    return holder


async def holders_of(connection: AsyncConnection, names: Collection[str], now: Any) -> dict[str, str]:
    """Who holds each of these leases now, by their names. Nothing is in the answer of one that nobody holds."""
    held = LEASES.c.name.in_(sorted(names)) & (LEASES.c.until > now)
    rows = await connection.execute(select(LEASES.c.name, LEASES.c.holder).where(held))
    return {row.name: row.holder for row in rows}


def _held(lease: Lease) -> ColumnElement[bool]:
    return (LEASES.c.holder == lease.holder) & (LEASES.c.fence == lease.fence)


def _still_ours(lease: Lease, now: Any) -> ColumnElement[bool]:
    ours = (LEASES.c.name == lease.name) & _held(lease)
    return ours if lease.is_locked else ours & (LEASES.c.until > now)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"{lease.name} is not ours any more")
