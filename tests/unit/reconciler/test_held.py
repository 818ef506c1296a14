"""Jobs that are held back: when the word that one is paused is believed, and what became of a pause or a resume."""

from dataclasses import replace
from typing import Any

import pytest
from factories import NOW, RULES, answer, cancel, changed, job

from reconciler.apply import PAUSED_AND_MOVING, apply
from reconciler.effects import awaited, effect
from schemas.readings import RowCounts
from schemas.tables import ActionRow
from schemas.times import SECOND
from schemas.words import ActionState, ActionVerb, Asked, Status

DOUBTING = replace(RULES, doubts_pause=5 * SECOND)
SEEN = {"rows_completed": 3, "rows_failed": 0}


def paused(completed: int = 3) -> Any:
    return answer(Status.PAUSED, native_status="paused", counts=RowCounts(10, completed, 0))


@pytest.mark.parametrize(
    ("columns", "completed", "status"),
    [
        pytest.param(
            {"native_status": "processing", "answered_at": NOW - 10 * SECOND}, 3, Status.RUNNING, id="first word"
        ),
        pytest.param(
            {"native_status": "paused", "answered_at": NOW - 10 * SECOND}, 3, Status.PAUSED, id="stands still"
        ),
        pytest.param({"native_status": "paused", "answered_at": NOW - 10 * SECOND}, 4, Status.RUNNING, id="moves"),
        pytest.param({"native_status": "paused", "answered_at": NOW - SECOND}, 3, Status.RUNNING, id="looked too soon"),
    ],
)
def test_a_pause_is_believed_when_nothing_moves(columns: dict[str, Any], completed: int, status: Status) -> None:
    """A provider's word that a job is paused needs a second look, some seconds later, that finds the same rows done."""
    applied = apply(job(Status.RUNNING, **SEEN, **columns), Asked.POLL, NOW, paused(completed), DOUBTING, NOW)
    known = changed(job(Status.RUNNING, **SEEN, **columns), applied)

    assert known.status == status
    assert known.native_status == "paused"
    assert (applied.flag == PAUSED_AND_MOVING) == (status is Status.RUNNING)


@pytest.mark.parametrize(("completed", "status"), [(3, Status.PAUSED), (4, Status.RUNNING)])
def test_a_paused_job_that_moves_is_at_work(completed: int, status: Status) -> None:
    """A job taken for paused stays so as long as nothing moves, however soon one looks."""
    known = job(Status.PAUSED, native_status="paused", answered_at=NOW - SECOND, **SEEN)

    assert changed(known, apply(known, Asked.POLL, NOW, paused(completed), DOUBTING, NOW)).status == status


def test_other_providers_are_believed_at_once() -> None:
    """Without doubts a pause is one."""
    known = job(Status.RUNNING, native_status="processing", answered_at=NOW - SECOND, rows_completed=1)

    assert changed(known, apply(known, Asked.POLL, NOW, paused(), RULES, NOW)).status == Status.PAUSED


def held(verb: ActionVerb, accepted_at: int) -> ActionRow:
    return cancel(ActionState.ACCEPTED, verb=verb.value, answered_at=accepted_at)


@pytest.mark.parametrize(
    ("verb", "status", "waited", "state"),
    [
        (ActionVerb.PAUSE, Status.PAUSED, 1, ActionState.DONE),
        (ActionVerb.PAUSE, Status.RUNNING, 1, None),
        (ActionVerb.PAUSE, Status.RUNNING, 61, ActionState.NO_EFFECT),
        (ActionVerb.PAUSE, Status.COMPLETED, 1, ActionState.NO_EFFECT),
        (ActionVerb.PAUSE, Status.CANCELLED, 1, ActionState.MOOT),
        (ActionVerb.RESUME, Status.RUNNING, 1, ActionState.DONE),
        (ActionVerb.RESUME, Status.PAUSED, 1, None),
        (ActionVerb.RESUME, Status.PAUSED, 61, ActionState.NO_EFFECT),
        (ActionVerb.RESUME, Status.CANCELLED, 61, ActionState.MOOT),
    ],
)
def test_what_came_of_it(verb: ActionVerb, status: Status, waited: int, state: ActionState | None) -> None:
    """The job's status tells, as it was asked for after the action was accepted; without it for a minute, nothing came of it."""
    came = effect(held(verb, NOW - waited * SECOND), job(status, asked_at=NOW), NOW)

    assert (came and came["state"]) == state


def test_an_answer_from_before_tells_nothing() -> None:
    """What was asked before the action was accepted does not speak of it."""
    assert effect(held(ActionVerb.PAUSE, NOW), job(Status.PAUSED, asked_at=NOW - SECOND), NOW) is None


def test_only_what_was_accepted_is_awaited() -> None:
    """Cancels have their own rules, and what is over stays over."""
    actions = [held(ActionVerb.PAUSE, NOW), cancel(ActionState.ACCEPTED), cancel(ActionState.DONE, verb="pause")]

    assert awaited(actions) == actions[:1]
