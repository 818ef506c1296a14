"""Rows for the storage tests, put in the way that every engine takes them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import BodyRow, DeliveryRow, JobRow, ReceiptRow
from schemas.words import Origin, Verdict
from storage import jobs
from storage.rows import add, fetch, fetch_one, table
from storage.store import Store

NOON = 1_790_000_000_000_000

Answer = TypeVar("Answer")
Run = Callable[[Coroutine[Any, Any, Any]], Any]
Another = Callable[[], Store]
Plan = Callable[..., list[str]]


class Clock:
    """A clock that stands until it is moved. The store makes its ids by it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


async def a_job(store: Store, job_id: str = "batch_1", source: str = "acme", **columns: Any) -> JobRow:
    """A job as it was born, with some columns changed since."""
    async with store.writing() as connection:
        born = await jobs.bear(connection, store.new_id(), (source, "batch", job_id), Origin.SUBMIT, NOON)
        if columns:
            await jobs.change(connection, born.id, columns, NOON)
        return await _there(connection, born.id)


async def _there(connection: AsyncConnection, number: int) -> JobRow:
    found = await jobs.get(connection, number)
    assert found is not None
    return found


async def a_receipt(
    store: Store,
    job_id: str = "batch_1",
    key: str = "batch.completed",
    *,
    source: str = "acme",
    at: int = NOON,
    body: bytes = b"{}",
    same_bytes_as: ReceiptRow | None = None,
    verdict: Verdict | None = None,
    reported: str | None = None,
) -> ReceiptRow:
    """A receipt, of the delivery that is there already or of a new one."""
    number = store.new_id()
    async with store.writing() as connection:
        delivery = await _delivery(connection, store, (source, "batch", job_id, key), at, reported)
        receipt = ReceiptRow(
            id=number,
            delivery_id=delivery,
            body_id=number if same_bytes_as is None else same_bytes_as.body_id,
            source=source,
            digest=hash(body) >> 1 if same_bytes_as is None else same_bytes_as.digest,
            received_at=at,
            reported_status=reported,
            verdict=verdict,
        )
        await add(connection, receipt)
        if same_bytes_as is None:
            await add(connection, BodyRow(id=number, body=body))
    return receipt


async def _delivery(
    connection: AsyncConnection, store: Store, identity: tuple[str, str, str, str], at: int, reported: str | None
) -> int:
    rows = table(DeliveryRow)
    source, kind, job_id, key = identity
    same = (rows.c.source == source) & (rows.c.job_id == job_id) & (rows.c.delivery_key == key)
    known = await fetch_one(connection, DeliveryRow, select(rows).where(same))
    if known is not None:
        met = {"times_received": known.times_received + 1, "last_received_at": max(at, known.last_received_at)}
        await connection.execute(update(rows).where(rows.c.id == known.id).values(**met))
        return known.id
    row = DeliveryRow(
        id=store.new_id(),
        source=source,
        kind=kind,
        job_id=job_id,
        delivery_key=key,
        reported_status=reported,
        first_received_at=at,
        last_received_at=at,
    )
    await add(connection, row)
    return row.id


async def everything(store: Store, row: type[Any]) -> list[Any]:
    """All rows of a table, oldest first."""
    rows = table(row)
    async with store.reading() as connection:
        return await fetch(connection, row, select(rows).order_by(*rows.primary_key))


async def within(
    transaction: AbstractAsyncContextManager[AsyncConnection],
    query: Callable[..., Coroutine[Any, Any, Answer]],
    *arguments: Any,
    **named: Any,
) -> Answer:
    """One query in a transaction of its own: `await within(store.reading(), jobs.get, 5)`."""
    async with transaction as connection:
        return await query(connection, *arguments, **named)


async def still_waiting(task: "asyncio.Task[Any]", seconds: float) -> bool:
    """Whether a task is not over after some time."""
    _, pending = await asyncio.wait({task}, timeout=seconds)
    return bool(pending)
