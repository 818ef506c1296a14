"""Sources as they went here: since when we listen, and what is wrong with our own asking."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import FindingRow, SourceRow
from storage.rows import fetch, fetch_one, table, upsert

SOURCES, FINDINGS = table(SourceRow), table(FindingRow)
MOST_FINDINGS = 1000


async def enter(connection: AsyncConnection, name: str, dialect: str, now: int) -> None:
    """Note a source when it first runs here; later calls change nothing but its dialect."""
    row = SourceRow(name=name, dialect=dialect, listening_since=now)
    statement = upsert(connection, SOURCES).values(**row.model_dump())
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"dialect": dialect}))


async def get(connection: AsyncConnection, name: str) -> SourceRow | None:
    return await fetch_one(connection, SourceRow, select(SOURCES).where(SOURCES.c.name == name))


async def all_of_them(connection: AsyncConnection) -> list[SourceRow]:
    return await fetch(connection, SourceRow, select(SOURCES).order_by(SOURCES.c.name))


async def change(connection: AsyncConnection, name: str, changes: Mapping[str, Any]) -> None:
    await connection.execute(update(SOURCES).where(SOURCES.c.name == name).values(**changes))


async def open_findings(connection: AsyncConnection) -> Counter[tuple[str, str]]:
    """How many findings are open, by source and rule, counted no further than a bound."""
    still = select(FINDINGS.c.source, FINDINGS.c.rule).where(FINDINGS.c.closed_at.is_(None)).limit(MOST_FINDINGS)
    return Counter((source, rule) for source, rule in await connection.execute(still))
