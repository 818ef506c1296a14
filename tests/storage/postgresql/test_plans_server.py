"""Plans on PostgreSQL, where they are another matter than on SQLite: what is asked of a large table is answered from an index."""

from typing import Any

import pytest
from sqlalchemy import event
from stored import Run

from storage import handoffs
from storage.store import Store

pytestmark = pytest.mark.postgresql
MANY = 20_000
FILL = f"""
INSERT INTO handoffs (id, about, subject, source, target, revision, event, state, attempts, made_at)
SELECT n, 'job', n, 'acme', 'down', 1, '{{}}', 'done', 1, n FROM generate_series(1, {MANY}) n
"""  # noqa: S608


def test_handoffs_of_a_job(store: Store, run: Run) -> None:
    """Those about a job or any of its failures are found by their subject, however many there are of others."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    async def flow() -> str:
        async with store.writing() as connection:
            await connection.exec_driver_sql(FILL)
            await connection.exec_driver_sql("ANALYZE handoffs")
            await connection.exec_driver_sql("ANALYZE failures")
            event.listen(connection.sync_connection, "before_cursor_execute", note)
            assert [row.subject for row in await handoffs.of_job(connection, 7)] == [7]
            ((statement, values),) = asked
            event.remove(connection.sync_connection, "before_cursor_execute", note)
            steps = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
            return "\n".join(row[0] for row in steps)

    plan = run(flow())
    assert "Seq Scan on handoffs" not in plan
    assert "Index" in plan
