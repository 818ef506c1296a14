"""Rows as they are made of what the store holds."""

import subprocess
import sys

ASK = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import select
from schemas.tables import SourceRow
from storage.rows import fetch_one, table
from storage.sqlite.engine import Sqlite
from storage.store import Store

async def ask():
    store = Store(Sqlite(Path(sys.argv[1])), lambda: 0)
    async with store.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE sources (name TEXT, dialect TEXT)")
        await connection.exec_driver_sql("INSERT INTO sources VALUES ('acme', 'phaseo')")
        rows = table(SourceRow)
        row = await fetch_one(connection, SourceRow, select(rows.c.name, rows.c.dialect))
        row.dialect = "other"
        print(row.name, row.dialect, row.model_dump(include={"name", "dialect"}))
    await store.close()

asyncio.run(ask())
"""


def test_the_first_row_of_a_process(tmp_path) -> None:
    """A process that reads a row before it has made one itself can read and change what is in it."""
    told = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "any.db")], capture_output=True, text=True, check=False
    )

    assert told.stdout == "acme other {'name': 'acme', 'dialect': 'other'}\n", told.stderr
