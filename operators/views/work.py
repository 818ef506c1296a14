"""What was asked for: submissions, groups with their members, actions; and what downstream is told."""

import json

from operators.outcomes import Member
from operators.views.view import View
from reconciler.events import HANDOFF, about_id
from schemas.ids import shown
from schemas.tables import ActionRow, GroupRow, HandoffRow, JobRow, SubmissionRow
from schemas.times import rfc3339, rfc3339_or_none
from storage.jobs import Identity


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
