"""From result rows to the table classes, and one way to insert."""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Executable, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import ClassManager, configure_mappers
from sqlalchemy.orm.attributes import manager_of_class
from sqlmodel import SQLModel

Row = TypeVar("Row", bound=SQLModel)


def table(row: type[SQLModel]) -> Table:
    """The table behind a row class, for statements."""
    found: Table = SQLModel.metadata.tables[str(row.__tablename__)]
    return found


async def fetch(connection: AsyncConnection, row: type[Row], statement: Executable, **values: object) -> list[Row]:
    """Every row of a statement that selects the whole table. `values` are those of its parameters: what is asked for every
    page is written once, for to write it costs about as much as to ask it."""
    result = await connection.execute(statement, values)
    columns = tuple(result.keys())
    return [_made(row, columns, values) for values in result]


async def fetch_one(connection: AsyncConnection, row: type[Row], statement: Executable, **values: object) -> Row | None:
    result = await connection.execute(statement, values)
    columns, found = tuple(result.keys()), result.first()
    return None if found is None else _made(row, columns, found)


def _made(row: type[Row], columns: Iterable[str], values: Iterable[Any]) -> Row:
    """An instance with the columns as they were read. Its constructor would set them one by one, with a check for each: that
    takes a third of a millisecond for a job, and more than the query itself."""
    made: Row = _manager(row).new_instance()
    made.__dict__.update(zip(columns, values, strict=True))
    return made


@cache
def _manager(row: type[SQLModel]) -> ClassManager[Any]:
    configure_mappers()  # a constructor would do it, and without it no column can be read
    return manager_of_class(row)


async def add(connection: AsyncConnection, row: SQLModel) -> None:
    """Insert one row as it stands."""
    await connection.execute(insert(table(type(row))).values(**row.model_dump()))


def upsert(connection: AsyncConnection, rows: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what happens on a conflict, as the connection's engine writes it."""
    return postgresql.insert(rows) if connection.dialect.name == "postgresql" else sqlite.insert(rows)
