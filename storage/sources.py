"""Sources as they went here: since when we listen, and what is wrong with our own asking."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import SourceRow
from storage.rows import fetch, fetch_one, table, upsert

SOURCES = table(SourceRow)
_ONE = select(SOURCES).where(SOURCES.c.name == bindparam("name"))
_ALL = select(SOURCES).order_by(SOURCES.c.name)


async def enter(connection: AsyncConnection, name: str, dialect: str, now: int) -> None:
    """Note a source when it first runs here; later calls change nothing but its dialect."""
    row = SourceRow(name=name, dialect=dialect, listening_since=now)
    statement = upsert(connection, SOURCES).values(**row.model_dump())
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"dialect": dialect}))


async def get(connection: AsyncConnection, name: str) -> SourceRow | None:
    return await fetch_one(connection, SourceRow, _ONE, name=name)


async def all_of_them(connection: AsyncConnection) -> list[SourceRow]:
    return await fetch(connection, SourceRow, _ALL)


async def change(connection: AsyncConnection, name: str, changes: Mapping[str, Any]) -> None:
    await connection.execute(update(SOURCES).where(SOURCES.c.name == name).values(**changes))
