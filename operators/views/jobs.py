"""Jobs, and what is kept about one: what was observed, concluded and fetched."""

import json
from collections.abc import Sequence

from operators import documented
from operators.views.view import View
from reconciler.expecting import ExpectedDelivery
from reconciler.finding import Finding
from reconciler.ready import Missing
from schemas.ids import shown
from schemas.tables import FailureRow, JobRow, ObservationRow, OutputRow, RowMatchRow, TransitionRow
from schemas.times import in_words, rfc3339, rfc3339_or_none
from storage.jobs import Identity


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
