"""The stand-in of the standard dialect: what it takes as an order, and the life of a task."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Clock
from sandbox.standard.errors import Refused
from sandbox.standard.orders import LIFE, WEBHOOK_FAULTS, Order, read_order
from sandbox.standard.tasks import Task


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (b"", Order()),
        (b"{}", Order("completed", LIFE, 1, frozenset())),
        (
            b'{"ends": "failed", "seconds": 0, "rows": 3, "webhooks": ["lost", "delayed"]}',
            Order("failed", 0.0, 3, frozenset({"lost", "delayed"})),
        ),
        (json.dumps({"webhooks": list(WEBHOOK_FAULTS)}).encode(), Order(webhooks=frozenset(WEBHOOK_FAULTS))),
    ],
)
def test_orders(body: bytes, order: Order) -> None:
    """What is left out is usual; what is named counts."""
    assert read_order(body) == order


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"end": "failed"}', "no such field: end"),
        (b'{"ends": "expired"}', "ends must be one of completed, failed, cancelled"),
        (b'{"ends": ["failed"]}', "ends must be one of"),
        (b'{"seconds": "3"}', "seconds must be a number"),
        (b'{"seconds": -1}', "seconds must be a number"),
        (b'{"seconds": true}', "seconds must be a number"),
        (b'{"seconds": NaN}', "seconds must be a number"),
        (b'{"rows": 1.5}', "rows must be a whole number"),
        (b'{"webhooks": "lost"}', "webhooks must be a list of words of lost"),
        (b'{"webhooks": ["losst"]}', "webhooks must be a list of words of lost"),
        (b'{"webhooks": [["lost"]]}', "webhooks must be a list of words of lost"),
    ],
)
def test_orders_that_are_refused(body: bytes, said: str) -> None:
    """A slip is a 400 that says which field is wrong, and makes no task."""
    with pytest.raises(Refused, match=said) as caught:
        read_order(body)

    assert caught.value.status == 400


def test_the_life_of_a_task() -> None:
    """A fifth of its life it is queued, then it runs, and then it ends as ordered; a cancel ends it at once."""
    task = Task(id="task_1", order=Order("failed", 20.0), created_at=datetime.now(UTC))

    assert [task.status(lived) for lived in (0, 3.9, 4, 19.9, 20, 1e9)] == [
        "queued", "queued", "running", "running", "failed", "failed",
    ]  # fmt: skip
    task.cancelled_after = 7.0
    assert [task.status(lived) for lived in (3, 6.9, 7, 30)] == ["queued", "running", "cancelled", "cancelled"]


@pytest.mark.parametrize(("ends", "done", "failed"), [("completed", 3, 0), ("failed", 0, 3), ("cancelled", 0, 0)])
def test_how_a_task_is_shown(ends: str, done: int, failed: int) -> None:
    """Its end, its rows, and what went wrong where it failed."""
    now = datetime.now(UTC)
    shown = Task(id="task_1", order=Order(ends, 1.0, 3), created_at=now - timedelta(hours=1)).shown(Clock(), now)

    assert (shown["id"], shown["status"]) == ("task_1", ends)
    assert shown["rows"] == {"total": 3, "done": done, "failed": failed}
    assert (shown["error"] is not None) == (ends == "failed")
