"""Events: CloudEvents that say what is known, the same each time; and never a result of a cancelled job."""

import json
from typing import Any

import pytest
from factories import ENDS, NOW, job
from hypothesis import given
from hypothesis import strategies as st

from reconciler.events import Told, finding_event, group_event, job_event, source_finding_event
from schemas.ids import shown
from schemas.tables import FailureRow, FindingRow, GroupRow, JobRow, OutputRow, RowMatchRow, SubmissionRow
from schemas.times import rfc3339
from schemas.words import Status

NUMBER = 77
OUTPUT = OutputRow(
    id=5, job=1, role="output", file_id="file-1", state="fetched", size=10, sha256="ab" * 32, named_at=NOW
)
NOTHING = Told({}, None, (), ())


def told(**more: Any) -> Told:
    return Told(**{"labels": {}, "match": None, "outputs": (), "failures": (), **more})


def read(event: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event)
    return found


@pytest.mark.parametrize("status", ENDS)
def test_a_job(status: Status) -> None:
    """The type is the status; who, what and when stand where CloudEvents has them, and all else below `data`."""
    row = job(status, native_status="x", ready_at=NOW, group_id=3, submission_id=4, cost_nanos=5, cost_currency="usd")
    match = RowMatchRow(job=1, revision=1, asked=6, succeeded=4, failed=1, missing=1, matched_at=NOW)
    about = told(
        labels={"team": "search"},
        match=match,
        outputs=[(OUTPUT, "file:///data/x"), (OUTPUT, None)],
        failures=[("execution", "rows_failed", "1 of 6 rows failed")],
    )
    event = read(job_event(NUMBER, row, about, NOW))
    data = event.pop("data")
    is_cancelled = status is Status.CANCELLED
    output = {"role": "output", "file_id": "file-1", "state": "fetched", "bytes": 10, "sha256": "ab" * 32}

    assert event == {
        "specversion": "1.0",
        "id": shown("hnd", NUMBER),
        "source": "/batchkeeper/main",
        "type": f"batchkeeper.job.{status.value}",
        "subject": row.job_id,
        "time": rfc3339(NOW),
        "datacontenttype": "application/json",
    }
    assert data == {
        "job": shown("job", 1),
        "source": "main",
        "kind": "batch",
        "job_id": row.job_id,
        "revision": 1,
        "basis": "observed",
        "status": status.value,
        "native_status": "x",
        "labels": {"team": "search"},
        "group": shown("grp", 3),
        "submission": shown("sub", 4),
        "ended_at": rfc3339(row.ended_at or 0),
        "ready_at": rfc3339(NOW),
        "rows": {"asked": 6, "succeeded": 4, "failed": 1, "missing": 1},
        "cost": {"nanos": 5, "currency": "usd", "state": None},
        "outputs": [] if is_cancelled else [{**output, "url": "file:///data/x"}, {**output, "url": None}],
        "results_withheld": is_cancelled,
        "failures": [{"category": "execution", "code": "rows_failed", "message": "1 of 6 rows failed"}],
    }


def test_what_nobody_knows_is_null() -> None:
    """Rows that were not compared, or only in an earlier revision, are null, and so is a cost that nobody told."""
    before = RowMatchRow(job=1, revision=1, asked=6, succeeded=4, failed=1, missing=1, matched_at=NOW)
    for match in (None, before):
        data = read(job_event(NUMBER, job("failed", revision=2), told(match=match), NOW))["data"]
        assert (data["rows"], data["cost"], data["group"], data["submission"]) == (None, None, None, None)


def test_a_finding() -> None:
    """The type is the category, and the finding stands beside the job that it is about, however that stands."""
    failure = FailureRow(
        id=9,
        job=1,
        category="delivery",
        code="missing",
        subject="batch.completed",
        message="it never came",
        detected_at=NOW - 1,
    )
    event = read(finding_event(NUMBER, failure, job("running"), {"a": "b"}, NOW))

    assert (event["type"], event["id"]) == ("batchkeeper.finding.delivery", shown("hnd", NUMBER))
    assert event["data"]["finding"] == {
        "id": shown("fail", 9),
        "category": "delivery",
        "code": "missing",
        "subject": "batch.completed",
        "message": "it never came",
        "state": "began",
        "detected_at": rfc3339(NOW - 1),
        "cleared_at": None,
    }
    failure.cleared_at = NOW
    closing = read(finding_event(NUMBER, failure, job("running"), {}, NOW))["data"]["finding"]
    assert (closing["state"], closing["cleared_at"]) == ("closed", rfc3339(NOW))
    assert (event["data"]["status"], event["data"]["labels"]) == ("running", {"a": "b"})


def test_a_finding_about_a_source() -> None:
    """It is about no job: its subject is the source, and it says whether it began or is closed, and what it rests on."""
    facts = [{"name": "unheard_ends", "value": 3, "read_from": "our own questions", "at": None}]
    row = FindingRow(
        id=9, source="main", rule="webhooks_silent", message="3 ended unheard", evidence=json.dumps(facts), began_at=NOW
    )
    event = read(source_finding_event(NUMBER, row, NOW))
    found = event["data"]["finding"]

    assert (event["type"], event["subject"]) == ("batchkeeper.finding.source", "main")
    assert (found["id"], found["rule"], found["state"], found["facts"]) == (
        shown("fnd", 9),
        "webhooks_silent",
        "began",
        facts,
    )
    row.closed_at = NOW + 1
    assert read(source_finding_event(NUMBER, row, NOW + 1))["data"]["finding"]["state"] == "closed"


def test_a_group() -> None:
    """A group names every member in the order of the shards, and what became of it; no job where none came of it."""
    group = GroupRow(id=3, source="main", input_name="rows.jsonl", size=3, created_at=NOW - 9, completed_at=NOW)
    members = [a_submission(id=12, shard=2), a_submission(id=11), a_submission(id=13, shard=3, state="refused")]
    jobs = {12: job("cancelled", id=22, job_id="b2"), 11: job("completed", id=21, job_id="b1", revision=2)}
    event = read(group_event(NUMBER, group, {"team": "search"}, members, jobs, NOW))

    assert (event["type"], event["subject"]) == ("batchkeeper.group.completed", shown("grp", 3))
    data = event["data"]
    assert (data["group"], data["size"], data["policy"]) == (shown("grp", 3), 3, "wait_for_all")
    assert (data["labels"], data["completed_at"]) == ({"team": "search"}, rfc3339(NOW))
    assert [(one["shard"], one["job_id"], one["status"], one["revision"]) for one in data["members"]] == [
        (1, "b1", "completed", 2),
        (2, "b2", "cancelled", 1),
        (3, None, None, None),
    ]
    assert [one["submission_state"] for one in data["members"]] == ["created", "created", "refused"]


def a_submission(**columns: Any) -> SubmissionRow:
    row = {
        "id": 11,
        "source": "main",
        "state": "created",
        "shard": 1,
        "input_name": "rows.jsonl",
        "input_sha256": "",
        "input_bytes": 0,
        "row_count": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return SubmissionRow(**{**row, **columns})


@given(message=st.text(), key=st.text(), native=st.text(), status=st.sampled_from(ENDS), when=st.integers(0, 2**52))
def test_whatever_a_provider_says(message: str, key: str, native: str, status: Status, when: int) -> None:
    """Any text comes through, and the bytes are ASCII without a control character: any reader takes them, and any terminal."""
    row: JobRow = job(status, native_status=native)
    event = job_event(NUMBER, row, told(labels={key: message}, failures=[("execution", "failed", message)]), when)

    assert event.isascii()
    assert event.isprintable()
    data = read(event)["data"]
    assert (data["labels"], data["native_status"]) == ({key: message}, native)
    assert data["failures"][0]["message"] == message
    assert event == job_event(
        NUMBER, row, told(labels={key: message}, failures=[("execution", "failed", message)]), when
    )
