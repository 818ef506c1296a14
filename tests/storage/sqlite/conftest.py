"""What is true of SQLite alone."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import event
from stored import Plan, Run

from storage.store import Store


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def plan(store: Store, run: Run) -> Plan:
    """How SQLite would answer each statement of a query function: its steps, one text for each statement."""

    async def explain(query: Callable[..., Coroutine[Any, Any, Any]], arguments: tuple[Any, ...]) -> list[str]:
        statements: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
            statements.append((statement, values))

        async with store.writing() as connection:
            event.listen(connection.sync_connection, "before_cursor_execute", note)
            await query(connection, *arguments)
            event.remove(connection.sync_connection, "before_cursor_execute", note)
            plans = [await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", at) for text, at in statements]
            return ["\n".join(row.detail for row in steps) for steps in plans]

    return lambda query, *arguments: run(explain(query, arguments))
