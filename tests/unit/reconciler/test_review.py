"""Review: all that follows from what is known of a job; and that the decisions depend on nothing else."""

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from factories import (
    ENDS,
    NOW,
    PACE,
    TERMS,
    all_facts,
    attempt,
    cancel,
    changed,
    delivery,
    expected,
    facts,
    inferred,
    job,
    maybe,
    moments,
    output,
    paces,
    thoroughly,
)
from hypothesis import given
from hypothesis import strategies as st

import reconciler
from reconciler.facts import Facts
from reconciler.pace import Pace
from reconciler.review import Review, review
from schemas.tables import JobRow
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import Code, OutputState, Status

ENDED = NOW - MINUTE
WINDOW_END = ENDED + TERMS.delivery_window


def reviewed(
    row: JobRow, now: int = NOW, silent: bool | None = None, retry_after: int | None = None, **more: Any
) -> Review:
    return review(facts(row, **more), PACE, silent, retry_after, 0.5, now)


def test_open() -> None:
    """An open job is neither ready nor settled, and has its next question."""
    assert reviewed(job()).changes == {"ready_at": None, "settled_at": None, "due_at": NOW + 30 * SECOND}
    assert reviewed(job(has_webhook=1)).changes["due_at"] == NOW + MINUTE
    assert reviewed(job(has_webhook=1), silent=True).changes["due_at"] == NOW + 15 * SECOND
    assert reviewed(job(failed_asks=1), retry_after=HOUR).changes["due_at"] == NOW + 15 * MINUTE


@pytest.mark.parametrize("end", ENDS)
def test_ended_without_webhook(end: Status) -> None:
    """An ended job of which nothing is awaited is ready and settled now, and never asked about again."""
    assert reviewed(job(end)).changes == {"ready_at": NOW, "settled_at": NOW, "due_at": None}


@pytest.mark.parametrize("end", ENDS)
def test_ready_before_settled(end: Status) -> None:
    """An ended job is ready although its delivery is late; it is asked about once more when the window is over."""
    row = job(end, ended_at=ENDED, has_webhook=1, answered_at=ENDED, account_seen_at=ENDED)
    late = reviewed(row, expectations=(expected(),))
    assert (late.changes["ready_at"], late.changes["settled_at"]) == (NOW, None)
    assert WINDOW_END <= late.changes["due_at"] <= WINDOW_END + 2 * SECOND
    row = changed(row, {**late.changes, "answered_at": late.changes["due_at"]})
    over = reviewed(row, late.changes["due_at"], expectations=(expected(),))
    assert over.changes == {"ready_at": NOW, "settled_at": late.changes["due_at"], "due_at": None}
    assert Code.NEVER_ATTEMPTED in [failure.code for failure in over.failures]


def test_received_ends_the_asking() -> None:
    """With the last expected delivery nothing is awaited any more, window or not."""
    row = job(Status.COMPLETED, ended_at=ENDED, has_webhook=1, due_at=WINDOW_END)
    came = reviewed(row, expectations=(expected(),), deliveries=(delivery(),))
    assert came.changes == {"ready_at": NOW, "settled_at": NOW, "due_at": None}


def test_asking_in_vain_ends() -> None:
    """A provider that cannot be asked after the end is asked for an hour past the window, and then never again."""
    row = job(Status.COMPLETED, ended_at=ENDED, answered_at=ENDED, has_webhook=1, failed_asks=9)
    before = reviewed(row, WINDOW_END + HOUR - 1, expectations=(expected(),))
    after = reviewed(row, WINDOW_END + HOUR, expectations=(expected(),))
    assert before.changes["due_at"] is not None
    assert after.changes == {"ready_at": WINDOW_END + HOUR, "settled_at": WINDOW_END + HOUR, "due_at": None}


def test_ready_stays() -> None:
    """When a job became ready and settled is written once."""
    row = job(Status.COMPLETED, ready_at=5, settled_at=6)
    assert reviewed(row).changes == {"ready_at": 5, "settled_at": 6, "due_at": None}


def test_no_longer_ready() -> None:
    """What has become wanting takes it back: a further file, or another delivery to be expected."""
    row = job(Status.COMPLETED, ready_at=5, settled_at=6, error_file_id="file-err")
    assert reviewed(row).changes["ready_at"] is None
    assert reviewed(row).changes["settled_at"] is None


def test_inferred() -> None:
    """An inferred end is ready and settled, and is not asked about any more: news of the job would be."""
    assert reviewed(inferred()).changes == {"ready_at": NOW, "settled_at": NOW, "due_at": None}


def test_missing_output_makes_us_ask() -> None:
    """A file that is not there yet, or not named, makes us ask for its job, which may bring it about; until patience ends."""
    row = job(Status.COMPLETED, ended_at=ENDED, rows_completed=9)
    denied = {"outputs": (output(state=OutputState.NAMED, checks=1),)}
    named = changed(row, {"output_file_id": "file-out"})
    assert reviewed(row).changes["due_at"] == NOW + MINUTE
    assert reviewed(named, **denied).changes["due_at"] == NOW + MINUTE
    assert reviewed(named, outputs=(output(state=OutputState.NAMED),)).changes["due_at"] is None
    assert reviewed(named, outputs=(output(),)).changes["due_at"] is None
    assert reviewed(named, ENDED + PACE.output_patience, **denied).changes["due_at"] is None


def test_failures() -> None:
    """A review names every failure that holds now."""
    row = job(Status.FAILED, ended_at=NOW - 9 * HOUR, answered_at=NOW, has_webhook=1, account_seen_at=NOW)
    found = reviewed(
        row, expectations=(expected("batch.failed"),), actions=(cancel(),), attempts=(attempt("delivered"),)
    )
    assert [failure.code for failure in found.failures] == [Code.FAILED, Code.TOO_LATE, Code.NEVER_ATTEMPTED]


@thoroughly
@given(
    all_facts,
    paces,
    maybe(st.booleans()),
    maybe(st.integers(-(1 << 62), 1 << 62)),
    st.floats(0, 1),
    moments,
)
def test_total(about: Facts, pace: Pace, silent: bool | None, retry_after: int | None, jitter: float, now: int) -> None:
    """Whatever is known of a job, its review is the same each time; open jobs are asked about, settled ones only if wanted."""
    found = review(about, pace, silent, retry_after, jitter, now)
    assert found == review(about, pace, silent, retry_after, jitter, now)
    due_at, settled_at = found.changes["due_at"], found.changes["settled_at"]
    assert due_at is None or due_at >= now
    if not Status(about.job.status).is_terminal:
        assert due_at is not None
        assert settled_at is None
    assert settled_at is None or found.changes["ready_at"] is not None


# --- nothing but their arguments --------------------------------------------------------------------------------------

PURE = (
    *("judge", "apply", "pace", "facts", "effects", "accounting", "classify", "ready", "review", "circuit", "hearing"),
    *("whole", "matching", "naming", "slowness", "submission", "source_rules", "causes", "finding", "clocks"),
)
HARMLESS = {"collections", "dataclasses", "types", "typing"}
OURS = {
    "schemas.dialects.orders",
    *(f"reconciler.{name}" for name in PURE),
    *(f"schemas.{name}" for name in ("contents", "ids", "readings", "tables", "texts", "times", "words")),
}


@pytest.mark.parametrize("name", PURE)
def test_pure(name: str) -> None:
    """A decision's module imports values and other decisions: no clock, no randomness, no store, no network, no waiting."""
    folder = Path(reconciler.__path__[0])
    tree = ast.parse((folder / f"{name}.py").read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Import | ast.AsyncFunctionDef | ast.Await | ast.Global)
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert module in OURS or module.split(".")[0] in HARMLESS
            assert module.split(".")[0] in {"reconciler", "schemas"} or module.split(".")[0] in sys.stdlib_module_names
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input", "eval", "exec", "__import__"}
