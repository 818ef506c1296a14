"""Events: what downstream is told of a job, a group or a finding, as CloudEvents 1.0 in JSON. Pure; times are RFC 3339.

An event is made once, in the transaction of what it tells, and sent as it stands however often. JSON in ASCII: whatever a
provider put into a text, no reader trips over its bytes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.ids import shown
from schemas.tables import FailureRow, FindingRow, GroupRow, HandoffRow, JobRow, OutputRow, RowMatchRow, SubmissionRow
from schemas.times import rfc3339, rfc3339_or_none
from schemas.words import Status

HANDOFF = "hnd"
_BEGAN, _CLOSED = "began", "closed"

Labels = Mapping[str, str]


SOURCE_FINDING = "source_finding"
_PREFIXES = {"job": "job", "group": "grp", "finding": "fail", SOURCE_FINDING: "fnd"}


def about_id(row: HandoffRow) -> str:
    """Our id of what a hand-off is about."""
    return shown(_PREFIXES[row.about], row.subject)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a job beside the job itself. `outputs` come with the URL of each, where we have the file."""

    labels: Labels
    match: RowMatchRow | None
    outputs: Sequence[tuple[OutputRow, str | None]]
    failures: Sequence[tuple[str, str, str]]  # category, code and message of each that holds


def job_event(number: int, job: JobRow, told: Told, now: int) -> str:
    """A job has ended: `batchkeeper.job.completed`, `.failed`, `.cancelled` or `.expired`. A cancelled one has no results."""
    is_withheld = job.status == Status.CANCELLED
    data = {
        **_job(job, told.labels),
        "ended_at": rfc3339_or_none(job.ended_at),
        "ready_at": rfc3339_or_none(job.ready_at),
        "rows": _rows(job, told.match),
        "cost": _cost(job),
        "outputs": [] if is_withheld else [_output(row, url) for row, url in told.outputs],
        "results_withheld": is_withheld,
        "failures": [{"category": one, "code": code, "message": said} for one, code, said in told.failures],
    }
    return _event(number, job.source, f"job.{job.status}", job.job_id, data, now)


def finding_event(number: int, failure: FailureRow, job: JobRow, labels: Labels, now: int) -> str:
    """A failure began to hold, or holds no more: `batchkeeper.finding.execution`, `.cancellation` or `.delivery`."""
    found = {
        "id": shown("fail", failure.id),
        "state": _BEGAN if failure.cleared_at is None else _CLOSED,
        "category": failure.category,
        "code": failure.code,
        "subject": failure.subject or None,
        "message": failure.message,
        "detected_at": rfc3339(failure.detected_at),
        "cleared_at": rfc3339_or_none(failure.cleared_at),
    }
    data = {"finding": found, **_job(job, labels)}
    return _event(number, job.source, f"finding.{failure.category}", job.job_id, data, now)


def source_finding_event(number: int, row: FindingRow, now: int) -> str:
    """A finding about a whole source was opened or closed: `batchkeeper.finding.source`."""
    found = {
        "id": shown("fnd", row.id),
        "state": _BEGAN if row.closed_at is None else _CLOSED,
        "rule": row.rule,
        "subject": row.subject or None,
        "message": row.message,
        "began_at": rfc3339(row.began_at),
        "closed_at": rfc3339_or_none(row.closed_at),
        "facts": json.loads(row.evidence),
    }
    data = {"finding": found, "source": row.source, "revision": row.revision}
    return _event(number, row.source, "finding.source", row.source, data, now)


def group_event(
    number: int,
    group: GroupRow,
    labels: Labels,
    submissions: Iterable[SubmissionRow],
    jobs: Mapping[int, JobRow],
    now: int,
) -> str:
    """A group is complete: `batchkeeper.group.completed`, however its members ended. `jobs` are by submission."""
    name = shown("grp", group.id)
    shards = sorted(submissions, key=lambda one: (one.shard, one.id))
    data = {
        "group": name,
        "source": group.source,
        "input_name": group.input_name,
        "size": group.size,
        "policy": group.policy,
        "created_at": rfc3339(group.created_at),
        "completed_at": rfc3339_or_none(group.completed_at),
        "labels": dict(labels),
        "members": [_member(one, jobs.get(one.id)) for one in shards],
    }
    return _event(number, group.source, "group.completed", name, data, now)


def _event(number: int, source: str, sort: str, subject: str, data: Mapping[str, Any], now: int) -> str:
    event = {
        "specversion": "1.0",
        "id": shown(HANDOFF, number),
        "source": f"/batchkeeper/{source}",
        "type": f"batchkeeper.{sort}",
        "subject": subject,
        "time": rfc3339(now),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, separators=(",", ":"))


def _job(job: JobRow, labels: Labels) -> dict[str, Any]:
    return {
        "job": shown("job", job.id),
        "source": job.source,
        "kind": job.kind,
        "job_id": job.job_id,
        "revision": job.revision,
        "basis": job.basis,
        "status": job.status,
        "native_status": job.native_status,
        "labels": dict(labels),
        "group": shown("grp", job.group_id) if job.group_id is not None else None,
        "submission": shown("sub", job.submission_id) if job.submission_id is not None else None,
    }


def _rows(job: JobRow, match: RowMatchRow | None) -> dict[str, int | None] | None:
    """How the job's rows compare with what was asked; null as long as nobody has compared those of this revision."""
    if match is None or match.revision != job.revision:
        return None
    return {"asked": match.asked, "succeeded": match.succeeded, "failed": match.failed, "missing": match.missing}


def _cost(job: JobRow) -> dict[str, Any] | None:
    if job.cost_nanos is None:
        return None
    return {"nanos": job.cost_nanos, "currency": job.cost_currency, "state": job.cost_state}


def _output(row: OutputRow, url: str | None) -> dict[str, Any]:
    return {
        "role": row.role,
        "file_id": row.file_id,
        "state": row.state,
        "url": url,
        "bytes": row.size,
        "sha256": row.sha256,
    }


def _member(submission: SubmissionRow, job: JobRow | None) -> dict[str, Any]:
    """One shard of a group; without a job, where none came of it."""
    return {
        "shard": submission.shard,
        "submission": shown("sub", submission.id),
        "submission_state": submission.state,
        "job": shown("job", job.id) if job else None,
        "job_id": job.job_id if job else None,
        "revision": job.revision if job else None,
        "status": job.status if job else None,
    }
