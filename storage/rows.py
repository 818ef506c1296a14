"""From result rows to the table classes, and one way to insert."""

from typing import TypeVar

from sqlalchemy import Executable, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

Row = TypeVar("Row", bound=SQLModel)


def table(row: type[SQLModel]) -> Table:
    """The table behind a row class, for statements."""
    found: Table = SQLModel.metadata.tables[str(row.__tablename__)]
    return found


async def fetch(connection: AsyncConnection, row: type[Row], statement: Executable) -> list[Row]:
    """Every row of a statement that selects the whole table."""
    result = await connection.execute(statement)
    return [row(**mapping) for mapping in result.mappings()]


async def fetch_one(connection: AsyncConnection, row: type[Row], statement: Executable) -> Row | None:
    mapping = (await connection.execute(statement)).mappings().first()
    return None if mapping is None else row(**mapping)


async def add(connection: AsyncConnection, row: SQLModel) -> None:
    """Insert one row as it stands."""
    await connection.execute(insert(table(type(row))).values(**row.model_dump()))


def upsert(connection: AsyncConnection, rows: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what happens on a conflict, as the connection's engine writes it."""
    return postgresql.insert(rows) if connection.dialect.name == "postgresql" else sqlite.insert(rows)
