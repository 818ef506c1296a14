"""Rows for the operators' tests: an ordinary one of each, with what a test is about named by the test."""

from typing import Any

from reconciler.facts import Facts, Terms
from schemas.readings import Expected
from schemas.tables import ActionRow, AttemptRow, DeliveryRow, JobRow, SourceRow
from schemas.times import DAY, HOUR, MINUTE, SECOND
from schemas.words import ActionState, ActionVerb, AskedBy, AttemptOutcome, Basis, Status, Verdict

NOW = 1_786_500_000 * SECOND
JOB_ID = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
TERMS = Terms(
    delivery_window=45 * MINUTE,
    listening_since=NOW - 10 * DAY,
    stuck_cancel=30 * MINUTE,
    output_patience=15 * MINUTE,
)
EXPECTED = (Expected(("batch.completed",)),)
HOSTILE = "\x1b[31mred\x1b[0m \u202ereversed\u2066 line\nbreak\r bell\x07 \x9b2J nul\x00"


def a_job(status: Status = Status.RUNNING, **columns: Any) -> JobRow:
    """A job that was answered about a minute ago; an ended one ended two hours ago and is settled."""
    row: dict[str, Any] = {
        "id": 1,
        "source": "gateway",
        "kind": "batch",
        "job_id": JOB_ID,
        "origin": "submit",
        "status": status.value,
        "native_status": status.value,
        "has_webhook": 1,
        "asks": 2,
        "created_at": NOW - 3 * HOUR,
        "updated_at": NOW - MINUTE,
        "answered_at": NOW - MINUTE,
        "due_at": NOW + MINUTE,
    }
    if status.is_terminal:
        ended = NOW - 2 * HOUR
        row |= {
            "basis": Basis.OBSERVED.value,
            "ended_at": ended,
            "ready_at": ended,
            "settled_at": ended,
            "due_at": None,
        }
    return JobRow(**{**row, **columns})


def a_delivery(key: str = "batch.completed", **columns: Any) -> DeliveryRow:
    row: dict[str, Any] = {
        "id": 2,
        "source": "gateway",
        "kind": "batch",
        "job_id": JOB_ID,
        "delivery_key": key,
        "reported_status": "completed",
        "verdict": Verdict.AGREES.value,
        "times_received": 1,
        "first_received_at": NOW - 3 * HOUR,
        "last_received_at": NOW - 3 * HOUR,
    }
    return DeliveryRow(**{**row, **columns})


def an_attempt(number: int = 1, **columns: Any) -> AttemptRow:
    row: dict[str, Any] = {
        "id": number,
        "job": 1,
        "delivery_key": "batch.completed",
        "number": number,
        "tried_at": NOW - 2 * HOUR + number * SECOND,
        "outcome": AttemptOutcome.RETRYING.value,
        "first_seen_at": NOW - HOUR,
    }
    return AttemptRow(**{**row, **columns})


def an_action(verb: ActionVerb = ActionVerb.CANCEL, **columns: Any) -> ActionRow:
    row: dict[str, Any] = {
        "id": 4,
        "job": 1,
        "source": "gateway",
        "verb": verb.value,
        "state": ActionState.ASKED.value,
        "asked_by": AskedBy.OPERATOR.value,
        "reason": "wrong file",
        "asked_at": NOW - 5 * MINUTE,
    }
    return ActionRow(**{**row, **columns})


def a_source(**columns: Any) -> SourceRow:
    return SourceRow(**{"name": "gateway", "dialect": "phaseo", "listening_since": NOW - 10 * DAY, **columns})


def the_facts(job: JobRow, **more: Any) -> Facts:
    """Facts with one expected delivery once the job has ended."""
    expected = EXPECTED if Status(job.status).is_terminal else ()
    return Facts(**{"job": job, "terms": TERMS, "expectations": expected, **more})
