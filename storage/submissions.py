"""Submissions: our intent to create a job, stored before the provider is asked."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import SubmissionRow
from storage.rows import add, fetch_one, table

SUBMISSIONS = table(SubmissionRow)


async def store(connection: AsyncConnection, row: SubmissionRow) -> None:
    await add(connection, row)


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any], now: int) -> None:
    await connection.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == number).values(**changes, updated_at=now))


async def get(connection: AsyncConnection, number: int) -> SubmissionRow | None:
    return await fetch_one(connection, SubmissionRow, select(SUBMISSIONS).where(SUBMISSIONS.c.id == number))
