"""What was good once, and has been used. A row is needed only until it would have lapsed by itself."""

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import SpentKeyRow
from storage.rows import table, upsert

KEYS = table(SpentKeyRow)
_UNTIL = select(KEYS.c.until).where(KEYS.c.key == bindparam("of"))


async def spend(connection: AsyncConnection, key: str, until: int, now: int) -> bool:
    """Use a key up, which would lapse at `until`. False: it has been used already, or somebody who uses it commits first."""
    await connection.execute(delete(KEYS).where(KEYS.c.until < now))
    statement = upsert(connection, KEYS).values(key=key, until=until).on_conflict_do_nothing(index_elements=["key"])
    return (await connection.execute(statement)).rowcount == 1


async def is_spent(connection: AsyncConnection, key: str) -> bool:
    return await connection.scalar(_UNTIL, {"of": key}) is not None
