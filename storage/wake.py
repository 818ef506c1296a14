"""Telling the reconcilers that there is something to do. On SQLite they see every commit by themselves."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CHANNEL = "batchkeeper"


async def wake(connection: AsyncConnection) -> None:
    """Wake whoever reconciles, when and if the caller's transaction is committed."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"NOTIFY {CHANNEL}"))
