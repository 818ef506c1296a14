"""What applications were answered, by their Idempotency-Key: kept in the transaction of what they asked for."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import IdempotencyRow
from storage.rows import fetch_one, table, upsert

KEYS = table(IdempotencyRow)


async def get(connection: AsyncConnection, key: str) -> IdempotencyRow | None:
    return await fetch_one(connection, IdempotencyRow, select(KEYS).where(KEYS.c.key == key))


async def keep(connection: AsyncConnection, row: IdempotencyRow) -> bool:
    """Keep an answer. False: the key has been used already, or is being used by somebody who commits first."""
    statement = upsert(connection, KEYS).values(**row.model_dump()).on_conflict_do_nothing(index_elements=["key"])
    return (await connection.execute(statement)).rowcount == 1
