"""Rows as operators see them: plain dictionaries, the same for --json, HTTP and pages. Times are RFC 3339."""

import json
from collections.abc import Sequence
from typing import Any

from operators import documented
from operators.outcomes import Member
from reconciler.events import HANDOFF, about_id
from reconciler.expecting import ExpectedDelivery
from reconciler.finding import Finding
from reconciler.ready import Missing
from reconciler.verdicts import sentence
from schemas.config import Source
from schemas.dialects import dialect_of
from schemas.ids import shown
from schemas.tables import (
    ActionRow,
    AttemptRow,
    DeliveryRow,
    FailureRow,
    FindingRow,
    GroupRow,
    HandoffRow,
    JobRow,
    ObservationRow,
    OutputRow,
    ReceiptRow,
    RefusalRow,
    RowMatchRow,
    SourceRow,
    SubmissionRow,
    TransitionRow,
)
from schemas.times import SECOND, in_words, rfc3339, rfc3339_or_none
from storage.jobs import Identity

View = dict[str, Any]


def asking(row: SourceRow | None, source: Source, now: int) -> View:
    """How a source is asked, as its reconciler last recorded it. A source that never ran here has asked nothing."""
    row = row or SourceRow(name=source.name, dialect=source.dialect, listening_since=now, asked_last_minute=0)
    return {
        "circuit": circuit(row, now),
        "requests": {
            "per_minute": source.requests_per_minute,
            "last_minute": row.asked_last_minute,
            "left": row.budget_left,
            "recorded_at": rfc3339_or_none(row.recorded_at),
        },
        "list": {
            "exists": bool(dialect_of(source).listed_kinds),
            "trust_seconds": source.list_trust_seconds,
            "asked_at": rfc3339_or_none(row.listed_at),
            "sweep_seconds": source.sweep_seconds,
            "swept_at": rfc3339_or_none(row.swept_at),
            "shows_all": None if row.swept_at is None else not row.list_is_full,
            "message": row.list_message,
            "unreadable": row.list_unreadable,
        },
        "orphans": json.loads(row.orphans),
        "heard": {
            "at": rfc3339_or_none(row.heard_at),
            "unheard_ends": row.unheard_ends,
            "unheard_since": rfc3339_or_none(row.unheard_since),
        },
        "clock": {"ahead_seconds": None if row.clock_ahead is None else round(row.clock_ahead / SECOND)},
    }


def circuit(row: SourceRow, now: int) -> str:
    """Whether a source is asked at all: `open` means that it is left alone for now."""
    again = row.asking_again_at
    return "closed" if again is None else "open" if again > now else "trying"


def job(row: JobRow, failures: Sequence[FailureRow]) -> View:
    """One job of a listing, with the failures that hold now."""
    return {
        "id": shown("job", row.id),
        "source": row.source,
        "kind": row.kind,
        "job_id": row.job_id,
        "status": row.status,
        "native_status": row.native_status,
        "progress": row.progress,
        "ready": row.ready_at is not None,
        "settled": row.settled_at is not None,
        "trouble": row.trouble,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "failures": [failure(one, row) for one in failures],
    }


def job_whole(row: JobRow, failures: Sequence[FailureRow]) -> View:
    """One job with every field that we keep of it."""
    return {
        **job(row, failures),
        "origin": row.origin,
        "basis": row.basis,
        "revision": row.revision,
        "rows": {"total": row.rows_total, "completed": row.rows_completed, "failed": row.rows_failed},
        "output_file_id": row.output_file_id,
        "error_file_id": row.error_file_id,
        "cost": {"nanos": row.cost_nanos, "currency": row.cost_currency, "state": row.cost_state},
        "error_code": row.error_code,
        "error_message": row.error_message,
        "polling_url": row.polling_url,
        "cancel_url": row.cancel_url,
        "has_webhook": None if row.has_webhook is None else bool(row.has_webhook),
        "pending_retries": row.pending_retries,
        "reported": {
            "status": row.reported_status,
            "native_status": row.reported_native,
            "progress": row.reported_progress,
            "at": rfc3339_or_none(row.reported_at),
        },
        "asking": {
            "answers": row.asks,
            "failed_in_a_row": row.failed_asks,
            "answered_at": rfc3339_or_none(row.answered_at),
            "wanted_at": rfc3339_or_none(row.wanted_at),
            "next_at": rfc3339_or_none(row.due_at),
            "trouble": row.trouble,
            "message": row.trouble_message,
            "since": rfc3339_or_none(row.trouble_since),
        },
        "ended_at": rfc3339_or_none(row.ended_at),
        "provider_created_at": rfc3339_or_none(row.provider_created_at),
        "provider_ended_at": rfc3339_or_none(row.provider_ended_at),
        "ready_at": rfc3339_or_none(row.ready_at),
        "settled_at": rfc3339_or_none(row.settled_at),
    }


def submission(row: SubmissionRow) -> View:
    """One piece of work as it was submitted: how far it came, and when its next step is."""
    return {
        "id": shown("sub", row.id),
        "group": None if row.group_id is None else shown("grp", row.group_id),
        "part": row.shard,
        "source": row.source,
        "state": row.state,
        "job_id": row.job_id,
        "input": row.input_name,
        "rows": row.row_count,
        "bytes": row.input_bytes,
        "sent_bytes": row.sent_bytes,
        "input_file_id": row.input_file_id,
        "endpoint": row.endpoint,
        "completion_window": row.completion_window,
        "metadata": json.loads(row.details).get("metadata", {}),
        "message": row.message,
        "tries": row.tries,
        "goes_on_at": rfc3339_or_none(row.due_at),
        "confirmed_at": rfc3339_or_none(row.confirmed_at),
        "drop_asked_at": rfc3339_or_none(row.drop_asked_at),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def group(row: GroupRow) -> View:
    return {
        "id": shown("grp", row.id),
        "source": row.source,
        "input": row.input_name,
        "size": row.size,
        "policy": row.policy,
        "created_at": rfc3339(row.created_at),
        "completed_at": rfc3339_or_none(row.completed_at),
    }


def member(one: Member) -> View:
    """A member of a group, or the one piece of work that something else is."""
    outcome = one.outcome
    return {
        "part": one.submission.shard if one.submission else None,
        "submission": shown("sub", one.submission.id) if one.submission else None,
        "id": shown("job", one.job.id) if one.job else None,
        "job_id": one.job.job_id if one.job else None,
        "where": where_is(one),
        "outcome": None if outcome is None else outcome.name.lower(),
        "progress": one.job.progress if one.job else None,
        "rows": one.submission.row_count if one.submission else None,
        "completed": one.job.rows_completed if one.job else None,
        "succeeded": one.match.succeeded if one.match else None,
        "failed": one.match.failed if one.match else None,
        "missing": one.match.missing if one.match else None,
        "message": one.submission.message if one.submission and one.job is None else None,
        "goes_on_at": rfc3339_or_none(one.submission.due_at) if one.submission and one.job is None else None,
    }


def where_is(one: Member) -> str:
    """The status of its job, or as long as there is none the state of its submission."""
    if one.job is not None:
        return one.job.status
    return one.submission.state if one.submission else "unknown"


def failure(row: FailureRow, of: JobRow | Identity) -> View:
    return {
        "id": shown("fail", row.id),
        "source": of.source,
        "kind": of.kind,
        "job_id": of.job_id,
        "category": row.category,
        "code": row.code,
        "message": row.message,
        "detected_at": rfc3339(row.detected_at),
        "cleared_at": rfc3339_or_none(row.cleared_at),
        "evidence": json.loads(row.evidence),
        "page": documented.failure(row.code),
    }


def delivery(row: DeliveryRow) -> View:
    return {
        "id": shown("dlv", row.id),
        "source": row.source,
        "kind": row.kind,
        "job_id": row.job_id,
        "delivery_key": row.delivery_key,
        "event_type": row.event_type,
        "reported_status": row.reported_status,
        "verdict": row.verdict,
        "verdict_means": sentence(row.verdict, row.reported_status),
        "times_received": row.times_received,
        "first_received_at": rfc3339(row.first_received_at),
        "last_received_at": rfc3339(row.last_received_at),
    }


def receipt(row: ReceiptRow) -> View:
    return {
        "id": shown("rcp", row.id),
        "received_at": rfc3339(row.received_at),
        "signed_at": rfc3339_or_none(row.signed_at),
        "attempt": row.attempt,
        "event_id": row.event_id,
        "reported_status": row.reported_status,
        "native_status": row.native_status,
        "verdict": row.verdict,
        "verdict_means": sentence(row.verdict, row.reported_status),
        "unreadable": row.unreadable,
    }


def receipt_whole(row: ReceiptRow) -> View:
    """One accepted request, with the delivery that it is of."""
    return {
        **receipt(row),
        "delivery": shown("dlv", row.delivery_id),
        "source": row.source,
        "event_type": row.event_type,
        "secret_index": row.secret_index,
    }


def refusal(row: RefusalRow) -> View:
    return {
        "id": shown("ref", row.id),
        "source": row.source,
        "reason": row.reason,
        "http_status": row.http_status,
        "received_at": rfc3339(row.received_at),
        "remote": row.remote,
        "body_bytes": row.body_bytes,
    }


def observation(row: ObservationRow) -> View:
    return {
        "asked": row.asked,
        "status": row.status,
        "native_status": row.native_status,
        "progress": row.progress,
        "trouble": row.trouble,
        "http_status": row.http_status,
        "message": row.message,
        "flag": row.flag,
        "first_seen_at": rfc3339(row.first_seen_at),
        "last_seen_at": rfc3339(row.last_seen_at),
        "times_seen": row.times_seen,
        "details": json.loads(row.details),
    }


def said(row: ObservationRow) -> View:
    """An observation in short: who said what, and when last."""
    return {
        "by": row.asked,
        "status": row.status,
        "native_status": row.native_status,
        "trouble": row.trouble,
        "message": row.message,
        "at": rfc3339(row.last_seen_at),
    }


def reported(row: JobRow) -> View:
    """The same of the newest webhook about a job."""
    return {
        "by": "webhook",
        "status": row.reported_status,
        "native_status": row.reported_native,
        "trouble": None,
        "message": None,
        "at": rfc3339_or_none(row.reported_at),
    }


def transition(row: TransitionRow) -> View:
    return {
        "from": row.from_status,
        "to": row.to_status,
        "basis": row.basis,
        "revision": row.revision,
        "at": rfc3339(row.at),
    }


def attempt(row: AttemptRow) -> View:
    return {
        "delivery_key": row.delivery_key,
        "attempt": row.number,
        "tried_at": rfc3339(row.tried_at) if row.tried_at else None,
        "outcome": row.outcome,
        "response_status": row.response_status,
        "error": row.error,
        "preview": row.preview,
    }


def action(row: ActionRow) -> View:
    return {
        "id": shown("act", row.id),
        "verb": row.verb,
        "state": row.state,
        "asked_by": row.asked_by,
        "reason": row.reason,
        "asked_at": rfc3339(row.asked_at),
        "cancel_url_present": None if row.cancel_url_present is None else bool(row.cancel_url_present),
        "cancel_url_read_at": rfc3339_or_none(row.cancel_url_read_at),
        "sent_at": rfc3339_or_none(row.sent_at),
        "answered_at": rfc3339_or_none(row.answered_at),
        "http_status": row.http_status,
        "message": row.message,
    }


def action_of(row: ActionRow, of: JobRow | Identity) -> View:
    """One action with the job that it is about."""
    return {**action(row), "job": shown("job", of.id), "source": of.source, "kind": of.kind, "job_id": of.job_id}


def output(row: OutputRow, where: str | None) -> View:
    """`where` it is kept here."""
    return {
        "id": shown("out", row.id),
        "role": row.role,
        "file_id": row.file_id,
        "state": row.state,
        "bytes": row.size,
        "where": where,
        "sha256": row.sha256 if row.stored_as else None,
        "lines": row.lines,
        "fetches": row.fetches,
        "fetched_at": rfc3339_or_none(row.fetched_at),
        "checked_at": rfc3339_or_none(row.checked_at),
        "next_at": rfc3339_or_none(row.due_at),
        "message": row.message,
    }


def row_match(row: RowMatchRow) -> View:
    """How a job's rows compare with what was asked."""
    return {
        "asked": row.asked,
        "succeeded": row.succeeded,
        "failed": row.failed,
        "missing": row.missing,
        "repeated": row.repeated,
        "strange": row.strange,
        "unreadable": row.unreadable,
        "examples": json.loads(row.examples),
        "revision": row.revision,
        "matched_at": rfc3339(row.matched_at),
    }


def handoff(row: HandoffRow, is_configured: bool) -> View:
    """One hand-off, without its event but for what names it. `is_configured` says whether its target still is."""
    event = json.loads(row.event)
    return {
        "id": shown(HANDOFF, row.id),
        "target": row.target,
        "target_configured": is_configured,
        "state": row.state,
        "type": event["type"],
        "source": row.source,
        "subject": event["subject"],
        "about": about_id(row),
        "revision": row.revision,
        "attempts": row.attempts,
        "made_at": rfc3339(row.made_at),
        "tried_at": rfc3339_or_none(row.tried_at),
        "next_at": rfc3339_or_none(row.due_at),
        "done_at": rfc3339_or_none(row.done_at),
        "http_status": row.http_status,
        "message": row.message,
    }


def expected_delivery(one: ExpectedDelivery) -> View:
    """One delivery that a job should bring, and how that stands."""
    return {
        "key": one.key,
        "event": one.event,
        "expected_by": rfc3339_or_none(one.expected_by),
        "given_up_at": rfc3339_or_none(one.given_up_at),
        "state": one.state,
        "code": one.code,
        "why": one.why,
    }


def missing(one: Missing, now: int) -> View:
    return {"condition": one.condition, "since": rfc3339(one.since), "age": in_words(now - one.since)}


def source_finding(row: FindingRow) -> View:
    """A finding about a whole source."""
    return {
        "id": shown("fnd", row.id),
        "source": row.source,
        "rule": row.rule,
        "subject": row.subject or None,
        "state": "standing" if row.closed_at is None else "closed",
        "message": row.message,
        "facts": json.loads(row.evidence),
        "revision": row.revision,
        "began_at": rfc3339(row.began_at),
        "seen_at": rfc3339(row.seen_at),
        "closed_at": rfc3339_or_none(row.closed_at),
        "page": documented.source_rule(row.rule),
    }


def finding(one: Finding) -> View:
    return {
        "axis": one.axis,
        "rule": one.rule,
        "page": documented.finding(one.axis, one.rule),
        "tone": one.tone,
        "message": one.message,
        "facts": [
            {"name": fact.name, "value": fact.value, "read_from": fact.read_from, "at": rfc3339_or_none(fact.at)}
            for fact in one.facts
        ],
    }
