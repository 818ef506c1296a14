"""A create that nobody answered: by what its job may still be found, how long it is looked for, and what a person is told."""

import pytest

from reconciler.submission import (
    BY_LIST,
    BY_NOTHING,
    BY_WEBHOOK,
    LOOK_FIRST,
    Patience,
    Trace,
    lost,
    still_unclear,
    trace_of,
)
from schemas.tables import SubmissionRow
from schemas.times import MINUTE

PATIENCE = Patience(unclear=15 * MINUTE, quota=5 * MINUTE)
SENT = 1_786_500_000_000_000


def submission(
    file_id: str | None = None, path_token: str | None = None, drop_asked_at: int | None = None
) -> SubmissionRow:
    return SubmissionRow(
        id=1,
        source="ours",
        state="creating",
        input_name="rows.jsonl",
        input_sha256="",
        input_bytes=1,
        row_count=1,
        endpoint="/v1/messages",
        input_file_id=file_id,
        path_token=path_token,
        drop_asked_at=drop_asked_at,
        create_sent_at=SENT,
        created_at=SENT,
        updated_at=SENT,
        tries=0,
    )


@pytest.mark.parametrize(
    ("has_list", "holds_metadata", "file_id", "path_token", "trace"),
    [
        (True, True, None, None, BY_LIST),
        (True, False, "file-1", None, BY_LIST),
        (True, False, None, "sub_1.x", BY_WEBHOOK),
        (True, False, None, None, BY_NOTHING),
        (False, True, "file-1", None, BY_WEBHOOK),
        (False, False, "file-1", "sub_1.x", BY_WEBHOOK),
        (False, False, "file-1", None, BY_NOTHING),
    ],
)
def test_by_what_a_job_is_found(
    has_list: bool, holds_metadata: bool, file_id: str | None, path_token: str | None, trace: Trace
) -> None:
    """A list serves only where its jobs name the submission or its file; a webhook only where it can."""
    assert trace_of(submission(file_id, path_token), has_list, holds_metadata) is trace


@pytest.mark.parametrize("trace", [BY_LIST, BY_WEBHOOK])
def test_what_is_told(trace: Trace) -> None:
    """What is waited for is told as long as it is, and that it was in vain afterwards."""
    row = submission()
    first = lost(row, "no answer", trace, SENT)
    row.message = first["message"]
    last = still_unclear(row, trace, SENT + LOOK_FIRST + 1, PATIENCE, SENT + PATIENCE.unclear)

    assert (first["state"], first["message"]) == ("unclear", f"no answer{trace.looking}")
    assert first["due_at"] > SENT
    assert last == {"state": "unconfirmed", "due_at": None, "message": f"no answer{trace.in_vain}"}


def test_nothing_to_wait_for() -> None:
    """Where nothing could tell that a job is this submission's, a person decides at once."""
    row = submission()
    told = lost(row, "no answer", BY_NOTHING, SENT)
    row.message = "no answer"

    assert (told["state"], told["due_at"]) == ("unconfirmed", None)
    assert told["message"].startswith("no answer; nothing that the provider shows")
    assert still_unclear(row, BY_NOTHING, None, PATIENCE, SENT + 1) == told


def test_patience() -> None:
    """It is looked for until patience is over, and where there is a list until that was looked through after the create."""
    row, early, late = submission(), SENT + MINUTE, SENT + PATIENCE.unclear

    for trace, swept_at, now in (
        (BY_LIST, late, early),
        (BY_LIST, None, late),
        (BY_LIST, SENT, late),
        (BY_WEBHOOK, None, early),
    ):
        again = still_unclear(row, trace, swept_at, PATIENCE, now)
        assert again["due_at"] > now
        assert "state" not in again
    assert still_unclear(row, BY_WEBHOOK, None, PATIENCE, late)["state"] == "unconfirmed"


def test_who_has_decided_already() -> None:
    """What was asked to be dropped is dropped once nothing more can be learned of it."""
    row = submission(drop_asked_at=SENT)

    assert lost(row, "no answer", BY_NOTHING, SENT)["state"] == "dropped"
    assert still_unclear(row, BY_WEBHOOK, None, PATIENCE, SENT + PATIENCE.unclear)["state"] == "dropped"
