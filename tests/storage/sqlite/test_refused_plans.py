"""Whatever is asked of refused requests costs what is kept of the one source, which is bounded, and not what exists."""

import sqlite3
from pathlib import Path

import pytest
from stored import Plan

from storage import refusals, refused_requests
from storage.sqlite import refused


@pytest.mark.parametrize("span", [(), (1,), (None, 5), (1, 5)])
def test_what_waits(plan: Plan, span: tuple[int | None, ...]) -> None:
    """The requests of a source come from its index, and their refusals by id; only what is found is sorted."""
    (steps,) = plan(refused_requests.waiting, "acme", *span)

    assert "ix_refused_requests_source (source=?)" in steps
    assert "refusals USING INTEGER PRIMARY KEY" in steps
    assert "SCAN" not in steps


def test_by_number(plan: Plan) -> None:
    """One, or a portion, by their ids."""
    of_a_portion, _ = plan(refused_requests.these, [1, 2])  # of none that waits no refusal is looked for
    plans = [*plan(refused_requests.get, 1), *plan(refusals.get, 1), of_a_portion]

    assert all("USING INTEGER PRIMARY KEY" in steps and "SCAN" not in steps for steps in plans)


@pytest.mark.parametrize(
    ("statement", "values"),
    [(refused.HELD, ("acme",)), (refused.EXTRA_GOES, (1,)), (refused.REQUEST_GOES, (1,)), (refused.IS_OPEN, (1,))],
)
def test_what_the_ledger_asks(database: Path, statement: str, values: tuple[object, ...]) -> None:
    """The ledger's writer never reads more than one source's part, in the order of its index."""
    connection = sqlite3.connect(database)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    connection.close()

    assert steps
    assert not [step for step in steps if "SCAN" in step or "TEMP B-TREE" in step]
