"""Phaseo's status words (contract 3.8), on both surfaces."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Observed, Response, Troubled
from schemas.words import TERMINAL, Status, Trouble

# native word, lifecycle on REST, status and lifecycle on push, what both mean to us
TABLE = [
    ("validating", "pending", "pending", "pending", Status.PENDING, Status.PENDING),
    ("queued", "pending", "pending", "pending", Status.PENDING, Status.PENDING),
    ("pending", "pending", "pending", "pending", Status.PENDING, Status.PENDING),
    ("submitting", "pending", "pending", "pending", Status.PENDING, Status.PENDING),
    ("submission_unknown", "pending", "pending", "pending", Status.PENDING, Status.PENDING),
    ("in_progress", "running", "in_progress", "running", Status.RUNNING, Status.RUNNING),
    ("finalizing", "pending", "in_progress", "running", Status.RUNNING, Status.RUNNING),
    ("cancelling", "pending", "in_progress", "running", Status.RUNNING, Status.RUNNING),
    ("processing", "running", "pending", "pending", Status.RUNNING, Status.PENDING),
    ("running", "pending", "pending", "pending", Status.RUNNING, Status.PENDING),
    ("completed", "completed", "completed", "completed", Status.COMPLETED, Status.COMPLETED),
    ("failed", "failed", "failed", "failed", Status.FAILED, Status.FAILED),
    ("expired", "expired", "expired", "expired", Status.EXPIRED, Status.EXPIRED),
    ("cancelled", "cancelled", "cancelled", "cancelled", Status.CANCELLED, Status.CANCELLED),
    ("canceled", "cancelled", "cancelled", "cancelled", Status.CANCELLED, Status.CANCELLED),
]


def polled(native: Any, lifecycle: Any = None) -> Status | None:
    """The status of a polled job that is said to be so, or None where the answer counts for nothing."""
    document = {"id": "batch_1", "status": native, "lifecycle_status": lifecycle}
    answer = Phaseo().read_poll("batch", "batch_1", Response(200, {}, json.dumps(document).encode()))
    return answer.observation.status if isinstance(answer, Observed) else None


def pushed(native: Any, lifecycle: Any = None) -> Status | None:
    """The status that a delivery with these words reports."""
    return Phaseo().read_report({"data": {"status": native, "lifecycle_status": lifecycle}}).status


@pytest.mark.parametrize(("native", "rest", "push", "push_lifecycle", "means", "push_means"), TABLE)
def test_every_word(native: str, rest: str, push: str, push_lifecycle: str, means: Status, push_means: Status) -> None:
    """Each row of the contract's table is read by its status word, though its lifecycles differ by surface."""
    assert polled(native, rest) is means
    assert pushed(push, push_lifecycle) is push_means


@pytest.mark.parametrize("case", [str.upper, str.title, str.lower])
@pytest.mark.parametrize(("native", "means"), [(row[0], row[4]) for row in TABLE])
def test_any_case(native: str, means: Status, case: Any) -> None:
    """A word means the same in capitals, with a lifecycle or without, on either surface."""
    assert polled(case(native)) is pushed(case(native)) is means
    assert polled(None, case(native)) is pushed(None, case(native)) is means


@pytest.mark.parametrize(
    ("native", "lifecycle", "means"),
    [
        ("completed", "pending", Status.COMPLETED),
        ("canceled", "pending", Status.CANCELLED),
        ("expired", "failed", Status.EXPIRED),
        ("completed", "failed", Status.COMPLETED),
        ("in_progress", "completed", Status.RUNNING),
        ("finalizing", "completed", Status.RUNNING),
        ("finalizing", "pending", Status.RUNNING),
        ("cancelling", "pending", Status.RUNNING),
        ("CANCELED", None, Status.CANCELLED),
        ("failed", 7, Status.FAILED),
        ("winding_down", "running", Status.RUNNING),
        ("winding_down", "Completed", Status.COMPLETED),
        (None, "expired", Status.EXPIRED),
        ("", "running", Status.RUNNING),
        (7, "running", Status.RUNNING),
    ],
)
def test_native_word_first(native: Any, lifecycle: Any, means: Status) -> None:
    """The status word decides; the lifecycle speaks only where that word is missing or unknown."""
    assert polled(native, lifecycle) is means
    assert pushed(native, lifecycle) is means


@pytest.mark.parametrize(
    "native", ["winding_down", "paused", "complete", "completed ", "success", "done", "ended", "🚦", "x" * 9999]
)
def test_unknown_words(native: str) -> None:
    """A word that nobody knows is no end: polled it reads as pending, as with the gateway; a delivery with it says nothing."""
    assert polled(native) is Status.PENDING
    assert pushed(native) is None


@pytest.mark.parametrize("native", [None, "", 7, True, [], {}, ["completed"]])
def test_no_word(native: Any) -> None:
    """Without any word of status a polled answer counts for nothing, and a delivery says nothing."""
    document = {"id": "batch_1", "status": native}
    answer = Phaseo().read_poll("batch", "batch_1", Response(200, {}, json.dumps(document).encode()))

    assert answer == Troubled(Trouble.UNREADABLE, "the answer has no status", 200)
    assert pushed(native) is None


@pytest.mark.parametrize("native", ["completed", "CANCELED", "winding_down"])
def test_native_word_is_kept(native: str) -> None:
    """The provider's own word stands beside what it means, as it was written."""
    document = {"id": "batch_1", "status": native}
    answer = Phaseo().read_poll("batch", "batch_1", Response(200, {}, json.dumps(document).encode()))

    assert isinstance(answer, Observed)
    assert answer.observation.native_status == native
    assert Phaseo().read_report({"data": document}).native_status == native


def test_an_ordinary_life() -> None:
    """A job seen by polling never steps back, though its lifecycle reads pending, running, pending, completed."""
    life = [polled(*row[:2]) for row in TABLE if row[0] in ("validating", "in_progress", "finalizing", "completed")]

    assert life == [Status.PENDING, Status.RUNNING, Status.RUNNING, Status.COMPLETED]


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_words(native: str, lifecycle: str) -> None:
    """Only the five words for an end are ever read as one, whatever else is said."""
    ends = {status.value for status in TERMINAL} | {"canceled"}

    if {native.lower(), lifecycle.lower()}.isdisjoint(ends):
        assert polled(native, lifecycle) not in TERMINAL
        assert pushed(native, lifecycle) not in TERMINAL
