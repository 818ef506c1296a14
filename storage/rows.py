"""From result rows to the table classes, and one way to insert."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Executable, Table, insert, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import configure_mappers
from sqlmodel import SQLModel

Row = TypeVar("Row", bound=SQLModel)


def table(row: type[SQLModel]) -> Table:
    """The table behind a row class, for statements."""
    found: Table = SQLModel.metadata.tables[str(row.__tablename__)]
    return found


async def fetch(connection: AsyncConnection, row: type[Row], statement: Executable) -> list[Row]:
    """Every row of a statement that selects the whole table."""
    result = await connection.execute(statement)
    names = tuple(result.keys())
    return [_made(row, names, values) for values in result]


async def fetch_one(connection: AsyncConnection, row: type[Row], statement: Executable) -> Row | None:
    result = await connection.execute(statement)
    values = result.first()
    return None if values is None else _made(row, tuple(result.keys()), values)


def _made(row: type[Row], names: Sequence[str], values: Sequence[Any]) -> Row:
    """
    One row, made as the ORM makes what it loads: of what the store holds as it stands.

    Through the class itself each value would be set one by one with all that the ORM does beside it, which costs 50 times as
    much: a page of 100 jobs would take 15 ms for it.
    """
    made: Row = _manager(row).new_instance()
    made.__dict__.update(zip(names, values, strict=True))
    return made


@cache
def _manager(row: type[SQLModel]) -> Any:
    configure_mappers()  # until then an attribute cannot be read; whoever makes a row by its class has it done in passing
    return inspect(row).class_manager


async def add(connection: AsyncConnection, row: SQLModel) -> None:
    """Insert one row as it stands."""
    await connection.execute(insert(table(type(row))).values(**row.model_dump()))


def upsert(connection: AsyncConnection, rows: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what happens on a conflict, as the connection's engine writes it."""
    return postgresql.insert(rows) if connection.dialect.name == "postgresql" else sqlite.insert(rows)
