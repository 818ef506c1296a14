"""Outcome: when a target is tried again, and when no more."""

from typing import Any

import pytest
from factories import NOW
from hypothesis import given
from hypothesis import strategies as st

from reconciler.outcome import CUT_OFF, Attempt, Patience, outcome, patience_of, spent, wait_after
from reconciler.pace import RETRY_AFTER_MOST
from schemas.config import Handoff
from schemas.tables import HandoffRow
from schemas.times import HOUR, SECOND

PATIENCE = Patience(most_attempts=20, first=10 * SECOND, cap=HOUR)
REFUSED = Attempt(False, 500, "HTTP 500")
NOTHING = {"http_status": None, "message": None}
MIDDLE = 0.5  # the jitter that changes nothing


def row(**columns: Any) -> HandoffRow:
    given = {
        "id": 1,
        "about": "job",
        "subject": 2,
        "source": "main",
        "target": "down",
        "revision": 1,
        "event": "{}",
        "state": "waiting",
        "attempts": 1,
        "due_at": NOW,
        "made_at": NOW,
    }
    return HandoffRow(**{**given, **columns})


@pytest.mark.parametrize(
    ("before", "attempt", "expected"),
    [
        ({}, Attempt(True, 204), {"state": "done", "due_at": None, "done_at": NOW, "http_status": 204, "message": None}),
        ({}, REFUSED, {"due_at": NOW + 10 * SECOND, "http_status": 500, "message": "HTTP 500"}),
        ({"attempts": 3}, REFUSED, {"due_at": NOW + 40 * SECOND, "http_status": 500, "message": "HTTP 500"}),
        ({"attempts": 19}, REFUSED, {"due_at": NOW + HOUR, "http_status": 500, "message": "HTTP 500"}),
        ({"attempts": 20}, REFUSED, {"state": "dead", "due_at": None, "http_status": 500, "message": "HTTP 500"}),
        ({"attempts": 20}, Attempt(True), {"state": "done", "due_at": None, "done_at": NOW, **NOTHING}),
        # An operator set it back while it was being told: the attempts count anew.
        ({"attempts": 0}, REFUSED, {"due_at": NOW + 10 * SECOND, "http_status": 500, "message": "HTTP 500"}),
    ],
)  # fmt: skip
def test_outcome(before: dict[str, Any], attempt: Attempt, expected: dict[str, Any]) -> None:
    """Done is over; a refusal waits, longer each time; the last one is dead."""
    assert outcome(row(**before), attempt, PATIENCE, MIDDLE, NOW) == expected


@pytest.mark.parametrize("attempts", [1, 20])
def test_withdrawn_meanwhile(attempts: int) -> None:
    """What was withdrawn while it was told is done if it arrived, and says so; else it stays withdrawn, and is never due."""
    before = row(state="withdrawn", due_at=None, message="withdrawn: why", attempts=attempts)
    arrived = outcome(before, Attempt(True, 200), PATIENCE, MIDDLE, NOW)
    failed = outcome(before, REFUSED, PATIENCE, MIDDLE, NOW)

    assert (arrived["state"], arrived["due_at"]) == ("done", None)
    assert arrived["message"] == "withdrawn: why; it was being told just then, and arrived"
    assert failed.keys() == {"http_status", "message"}
    assert failed["message"] == "withdrawn: why; an attempt was under way just then: HTTP 500"


@pytest.mark.parametrize(("attempts", "is_over"), [(0, False), (19, False), (20, True), (21, True)])
def test_spent(attempts: int, is_over: bool) -> None:
    """One that waits although all its attempts were made, as after a crash in the last one, is dead."""
    expected = {"state": "dead", "due_at": None, "message": CUT_OFF} if is_over else None

    assert spent(row(attempts=attempts), PATIENCE) == expected


@given(
    attempts=st.integers(0, 10_000),
    wish=st.none() | st.integers(-(10**20), 10**20),
    first=st.integers(1, HOUR),
    more=st.integers(0, HOUR),
    jitter=st.floats(0, 1),
)
def test_any_wait(attempts: int, wish: int | None, first: int, more: int, jitter: float) -> None:
    """However often it was tried and whatever the target wishes, the wait is neither none nor for ever."""
    patience = Patience(20, first, first + more)
    wait = wait_after(attempts, wish, patience, jitter)
    plain = wait_after(attempts, None, patience, jitter)

    assert int(first * 0.85) <= plain <= patience.cap
    assert plain <= wait <= max(patience.cap, RETRY_AFTER_MOST)
    assert wait_after(attempts + 1, None, patience, jitter) >= plain


def test_patience_of() -> None:
    """A target's configuration in microseconds."""
    target = Handoff(
        name="a", type="command", command=("x",), retry_seconds=0.5, retry_cap_seconds=2.0, most_attempts=3
    )

    assert patience_of(target) == Patience(3, SECOND // 2, 2 * SECOND)
