"""Which target is told of what."""

from typing import Any

import pytest

from reconciler.outbox import has_labels, wants
from schemas.config import Handoff

LABELS = {"team": "search", "run": "1", "odd": "a=b"}


def target(**keys: Any) -> Handoff:
    return Handoff(name="down", type="command", command=("x",), **keys)


@pytest.mark.parametrize(
    ("keys", "occasion", "status", "expected"),
    [
        ({}, "ready", "completed", True),
        ({}, "terminal", "completed", False),
        ({"on": "terminal"}, "terminal", "failed", True),
        ({"on": "finding"}, "finding", "running", True),
        ({"on": "group"}, "group", None, True),
        ({"on": "group"}, "ready", "completed", False),
        ({"sources": ("main",)}, "ready", "completed", True),
        ({"sources": ("other", "main")}, "ready", "completed", True),
        ({"sources": ("other",)}, "ready", "completed", False),
        ({"statuses": ("completed",)}, "ready", "completed", True),
        ({"statuses": ("failed", "expired")}, "ready", "completed", False),
        ({"statuses": ("completed",), "sources": ("other",)}, "ready", "completed", False),
    ],
)
def test_wants(keys: dict[str, Any], occasion: str, status: str | None, expected: bool) -> None:
    """A target is told of its own occasion, of its sources, and of jobs in its statuses."""
    assert wants(target(**keys), occasion, "main", status) is expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((), True),
        (("team=search",), True),
        (("team=search", "run=1"), True),
        (("team=search", "run=2"), False),
        (("team=",), False),
        (("none=",), False),
        (("odd=a=b",), True),
        (("odd=a",), False),
    ],
)
def test_has_labels(labels: tuple[str, ...], expected: bool) -> None:
    """Every label has to be there with its value; a value may itself hold an equals sign."""
    assert has_labels(target(labels=labels), LABELS) is expected
