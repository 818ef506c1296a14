"""The schema in a SQLite file: alike down to the index, and a file that is no database is left alone."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from stored import Clock, Run

from schemas.tables import METADATA
from storage import schema
from storage.schema import WrongSchema
from storage.sqlite.engine import Sqlite
from storage.store import Store


def columns(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Every column of every table: name, type, whether it may be null, its default, its place in the key."""
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: {
                (row[1], row[2], row[3], row[4] and row[4].strip("()"), row[5])
                for row in connection.execute(f"PRAGMA table_info({name})")
            }
            for name in names
            if name != "alembic_version"
        }


def indexes(path: Path) -> set[tuple[Any, ...]]:
    """Every index: its table, whether it is unique, its columns in order, and the rows that it is of."""
    found = set()
    with closing(sqlite3.connect(path)) as connection:
        for table in columns(path):
            for _, name, unique, _, partial in connection.execute(f"PRAGMA index_list({table})").fetchall():
                keys = tuple(row[2] for row in connection.execute(f"PRAGMA index_info({name})"))
                (made_by,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
                where = made_by.partition(" WHERE ")[2] if partial else ""
                found.add((table, "" if made_by is None else name, unique, keys, where))
    return found


def test_the_same_down_to_the_index(database: Path, tmp_path: Path) -> None:
    """What the migrations make and what the tables say are alike in what Alembic does not compare, too: defaults, the
    columns of each key, the order in an index and the rows that it is of.
    """
    made = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{made}")
    METADATA.create_all(engine)
    engine.dispose()

    assert columns(database) == columns(made)
    assert indexes(database) == indexes(made)


def test_what_is_no_database_is_refused_and_left(run: Run, tmp_path: Path) -> None:
    """
    A file that SQLite cannot read is refused with advice, and not touched.
    """
    path = tmp_path / "notes.db"
    path.write_bytes(b"these are my notes, not a database, and they are longer than a hundred bytes. " * 3)
    before = path.read_bytes()

    assert "cannot be read as a SQLite database" in run(refusal(path))
    assert path.read_bytes() == before


async def refusal(path: Path) -> str:
    """What migrating this file is refused with."""
    store = Store(Sqlite(path), Clock())
    try:
        with pytest.raises(WrongSchema) as refused:
            await schema.migrate(store)
        return str(refused.value)
    finally:
        await store.close()
