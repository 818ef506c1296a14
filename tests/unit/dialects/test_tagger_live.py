"""What the tagger's socket says about a job (contract 10)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagger_wire import JOB, PLACE, TAGGER, catchup, entry, stored

from schemas.readings import Deleted, Ignored, Observation, Observed, RowCounts
from schemas.words import Status


def heard(frame: Any) -> Any:
    return TAGGER.read_socket("batch", JOB, json.dumps(frame))


def observed(frame: Any) -> Observation:
    said = heard(frame)
    assert isinstance(said, Observed), said
    return said.observation


def test_catchup() -> None:
    """The first message has the state with every number as a text, and alone tells where the job's history stands."""
    told = observed(catchup([entry(0)], **stored("processing", processed=1, progress="0.3333")))

    assert (told.status, told.native_status, told.counts) == (Status.RUNNING, "processing", RowCounts(3, 1, 0))
    assert (told.progress, told.polling_url) == (33, PLACE)
    assert told.created_at == 1_777_795_200_250_000


@pytest.mark.parametrize("db_job_id", ["", "7", "../../auth/me", f"{JOB}/x"])
def test_catchup_without_history(db_job_id: str) -> None:
    """What is no id of history's leads nowhere."""
    assert observed(catchup([], **stored("paused", db_job_id=db_job_id))).polling_url is None


@pytest.mark.parametrize("state", [{}, {"command": "cancel"}, stored(None), stored("unknown", total="0")])
def test_catchup_without_state(state: dict[str, str]) -> None:
    """Of a job that is not known, or a ghost, it says nothing."""
    assert isinstance(heard(catchup([], **state)), Ignored)


@pytest.mark.parametrize("status", ["processing", "success", "failed"])
def test_rows(status: str) -> None:
    """A frame without a type is about a row: the job is at work, whatever its status reads."""
    frame = {"job_id": JOB, "row_id": 0, "row_number": 1, "title": "T", "status": status, "progress": 0.5}
    told = observed(frame)

    assert (told.status, told.native_status, told.progress, told.counts) == (Status.RUNNING, None, 50, RowCounts())


@pytest.mark.parametrize(
    ("status", "heard_as"),
    [("processing", Status.RUNNING), ("paused", Status.PAUSED), ("completed", Status.COMPLETED)],
)
def test_keepalive(status: str, heard_as: Status) -> None:
    """A keepalive has the status as it reads now."""
    assert observed({"type": "keepalive", "job_id": JOB, "status": status}).status is heard_as


@pytest.mark.parametrize("status", [None, "unknown", 7])
def test_keepalive_without_a_status(status: Any) -> None:
    """It is a sign of life and nothing else."""
    assert heard({"type": "keepalive", "job_id": JOB, "status": status}) == Ignored()


@pytest.mark.parametrize(
    ("frame", "status", "counts", "error"),
    [
        (
            {
                "type": "completed",
                "total_documents": 3,
                "processed_count": 2,
                "failed_count": 1,
                "processing_time": 1.5,
            },
            Status.COMPLETED,
            RowCounts(3, 2, 1),
            None,
        ),
        ({"type": "cancelled", "processed_count": 1, "failed_count": 0}, Status.CANCELLED, RowCounts(None, 1, 0), None),
        ({"type": "error", "error": "no client"}, Status.FAILED, RowCounts(), "no client"),
        ({"type": "failed", "processed_count": "0", "failed_count": "0"}, Status.FAILED, RowCounts(None, 0, 0), None),
        (
            {"type": "completed", "processed_count": "2", "failed_count": "1"},
            Status.COMPLETED,
            RowCounts(None, 2, 1),
            None,
        ),
        ({"type": "cancelled", "message": "Job is cancelled"}, Status.CANCELLED, RowCounts(), None),
    ],
)
def test_ends(frame: dict[str, Any], status: Status, counts: RowCounts, error: str | None) -> None:
    """An end reads alike whether it comes live or late, with numbers, texts or no counts; live, a failure is an `error`."""
    told = observed(frame)

    assert (told.status, told.counts, told.error_message) == (status, counts, error)


@pytest.mark.parametrize(
    "frame",
    [
        {"error": "Authentication required", "job_id": JOB},
        {"type": "completed", "job_id": "another"},
        {"type": "shutdown"},
        {"type": ["completed"]},
        {"job_id": JOB},
        {"row_id": "first", "job_id": JOB},
    ],
)
def test_nothing_about_the_job(frame: dict[str, Any]) -> None:
    """A fault of the server's, another job, and what nobody knows are told apart from a sign of life."""
    said = heard(frame)

    assert isinstance(said, Ignored)
    assert said.reason is not None


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just(stored())


@given(
    st.text()
    | st.dictionaries(
        st.sampled_from(
            ["type", "job_id", "state", "row_id", "status", "progress", "error", "results", "total_documents"]
        ),
        JSON | st.sampled_from(["catchup", "keepalive", "completed", "error", JOB]),
    ).map(json.dumps)
)
def test_messages_of_any_kind(message: str) -> None:
    """Whatever comes over the socket is heard as something, and about no other job."""
    said = TAGGER.read_socket("batch", JOB, message)

    assert isinstance(said, Observed | Deleted | Ignored)
    assert not isinstance(said, Observed) or said.observation.job_id == JOB
