"""One stored status, two lifecycles: the table of the contract, row by row."""

import pytest

from sandbox.batches import Reading, percent_done
from sandbox.generations import G2
from sandbox.statuses import push_lifecycle, push_status, rest_lifecycle

TABLE = [
    # stored status, REST lifecycle, push status, push lifecycle
    ("validating", "pending", "pending", "pending"),
    ("queued", "pending", "pending", "pending"),
    ("pending", "pending", "pending", "pending"),
    ("submitting", "pending", "pending", "pending"),
    ("submission_unknown", "pending", "pending", "pending"),
    ("in_progress", "running", "in_progress", "running"),
    ("finalizing", "pending", "in_progress", "running"),
    ("cancelling", "pending", "in_progress", "running"),
    ("processing", "running", "pending", "pending"),
    ("running", "pending", "pending", "pending"),
    ("completed", "completed", "completed", "completed"),
    ("failed", "failed", "failed", "failed"),
    ("expired", "expired", "expired", "expired"),
    ("cancelled", "cancelled", "cancelled", "cancelled"),
    ("canceled", "cancelled", "cancelled", "cancelled"),
    ("levitating", "pending", "pending", "pending"),
    ("COMPLETED", "completed", "completed", "completed"),
]


@pytest.mark.parametrize(("stored", "rest", "pushed", "push"), TABLE, ids=[row[0] for row in TABLE])
def test_status_table(stored: str, rest: str, pushed: str, push: str) -> None:
    """
    REST and push read the same stored status each in their own way.
    """
    assert (rest_lifecycle(stored, G2), push_status(stored, G2), push_lifecycle(stored, G2)) == (rest, pushed, push)


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading("validating"), 0),
        (Reading("in_progress", total=8, completed=1), 13),
        (Reading("in_progress", total=200, completed=1), 1),
        (Reading("in_progress", total=3, completed=2, failed=1), 100),
        (Reading("failed", total=3), 0),
        (Reading("completed", total=3, failed=3), 100),
    ],
)
def test_progress(reading: Reading, expected: int) -> None:
    """
    Progress is the share of rows worked off, halves rounded up; it can be 100 before the end.
    """
    assert percent_done(reading) == expected
