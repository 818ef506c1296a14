"""Thunderbit's jobs as its answers show them: which status, how many rows, how far, whatever page they were written by."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions
from schemas.readings import Denied, NamedOutput, Observation, Observed, Question, Response, RowCounts, Troubled
from schemas.times import parse_rfc3339
from schemas.words import OutputRole, Status, Trouble

JOB = "batch_7f3a9c21"
PLACE = f"https://openapi.thunderbit.example/openapi/v1/batch/extract/{JOB}"
ASKED = Question("GET", f"{PLACE}?page=0&pageSize=100")
DIALECT = Thunderbit("tb")


def row(status: str, number: int = 1, **members: Any) -> dict[str, Any]:
    return {"url": f"https://shop.example/p/{number}", "status": status, **members}


def answer(
    document: Any, asked: Question | None = ASKED, dialect: Thunderbit = DIALECT
) -> Observed | Denied | Troubled:
    return dialect.read_poll("batch", JOB, Response(200, {}, json.dumps(document).encode()), asked)


def read(dialect: Thunderbit = DIALECT, **members: Any) -> Observation:
    """What is read of a job with these members, on the first page of its rows."""
    said = answer({"success": True, "data": {"id": JOB, **members}}, dialect=dialect)
    assert isinstance(said, Observed)
    return said.observation


@pytest.mark.parametrize(
    "document",
    [
        {"data": {"id": JOB, "status": "pending", "total": 3}},
        {"success": True, "data": {"id": JOB, "status": "PENDING", "total": 3}},
        {"data": {"job_id": JOB, "status": "Pending", "total": 3}},
        {"id": JOB, "status": "PENDING", "total": 3},
        {"job_id": JOB, "status": "PENDING", "total": 3, "data": None},
        {"id": JOB, "data": {"status": "PENDING", "total": 3}},
        {"id": JOB, "status": "PENDING", "total": 3, "data": [{"name": "A"}]},
    ],
)
def test_envelopes(document: dict[str, Any]) -> None:
    """A job is found with its id in whichever of the four places, wrapped or not."""
    said = answer(document)

    assert isinstance(said, Observed)
    assert (said.observation.job_id, said.observation.status) == (JOB, Status.PENDING)
    assert said.observation.counts.total == 3


@pytest.mark.parametrize(
    ("document", "trouble", "message"),
    [
        ({"data": {"status": "PENDING"}}, Trouble.UNREADABLE, "the answer has no usable id"),
        ({"data": {"id": 7, "status": "PENDING"}, "id": JOB}, Trouble.UNREADABLE, "the answer has no usable id"),
        ({"data": {"id": "batch_2", "status": "COMPLETED"}}, Trouble.WRONG_JOB, "the answer is about batch_2"),
        ({"data": {"id": "batch_2"}, "id": JOB}, Trouble.WRONG_JOB, "the answer is about batch_2"),
        ({"data": {"id": JOB}}, Trouble.UNREADABLE, "the answer has no status"),
        ({"data": {"id": JOB, "status": ["COMPLETED"]}}, Trouble.UNREADABLE, "the answer has no status"),
        ({"success": False, "error": {"code": "PIPELINE_ERROR"}}, Trouble.GATEWAY, "HTTP 200: PIPELINE_ERROR"),
    ],
)
def test_what_is_no_job(document: dict[str, Any], trouble: Trouble, message: str) -> None:
    """An answer without an id, about another job, or without a status says nothing of the job."""
    assert answer(document) == Troubled(trouble, message, 200)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"status": "PENDING"}, Status.PENDING),
        ({"status": "pending", "completed": 0, "failed": 0}, Status.PENDING),
        ({"status": "pending", "completed": 1}, Status.RUNNING),
        ({"status": "PENDING", "failed": 1}, Status.RUNNING),
        ({"status": "pending", "results": [row("pending"), row("success", 2)]}, Status.RUNNING),
        ({"status": "pending", "results": [row("PENDING"), row("PROCESSING", 2)]}, Status.PENDING),
        ({"status": "PROCESSING"}, Status.RUNNING),
        ({"status": "processing", "total": 2, "completed": 2}, Status.RUNNING),
        ({"status": "COMPLETED"}, Status.COMPLETED),
        ({"status": "completed", "total": 2, "completed": 0, "failed": 2}, Status.COMPLETED),
        ({"status": "FAILED"}, Status.FAILED),
        ({"status": "CANCELLED"}, Status.CANCELLED),
        ({"status": "canceled"}, Status.CANCELLED),
        ({"status": "WARMING_UP"}, Status.PENDING),
        ({"status": "succeeded", "completed": 3}, Status.RUNNING),
        ({"status": "done"}, Status.PENDING),
    ],
)
def test_statuses(members: dict[str, Any], status: Status) -> None:
    """A status is read in any case and spelling; `pending` with rows that are over is at work; an unknown word ends nothing."""
    said = read(**members)

    assert (said.status, said.native_status) == (status, members["status"])


ALL = [row("SUCCEEDED", 1), row("FAILED", 2, error="SCRAPE_TIMEOUT"), row("PROCESSING", 3)]


@pytest.mark.parametrize(
    ("members", "counts"),
    [
        # as the counts say, held within the total
        ({"total": 50, "completed": 49, "failed": 1}, RowCounts(50, 49, 1)),
        ({"total": 50, "completed": 50, "failed": 1}, RowCounts(50, 49, 1)),
        ({"total": 2, "completed": 9, "failed": 9}, RowCounts(2, 0, 2)),
        ({"total": 2, "completed": 2}, RowCounts(2, 2, None)),
        ({"total": 2, "completed": 5}, RowCounts(2, 2, None)),
        ({"completed": 5, "failed": 1}, RowCounts(None, 5, 1)),
        ({"total": -4, "completed": -1, "failed": -1}, RowCounts(0, 0, 0)),
        ({"total": "3", "completed": True, "failed": 1.5}, RowCounts()),
        # as the rows are, where all are there
        ({"total": 3, "completed": 2, "results": ALL}, RowCounts(3, 1, 1)),
        ({"total": 3, "completed": 1, "failed": 1, "results": ALL}, RowCounts(3, 1, 1)),
        ({"total": 0, "results": []}, RowCounts(0, 0, 0)),
        ({"total": 2, "completed": 0, "results": ALL}, RowCounts(3, 1, 1)),
        # not all are there
        ({"total": 4, "completed": 2, "failed": 1, "results": ALL}, RowCounts(4, 2, 1)),
        ({"completed": 2, "results": ALL}, RowCounts(None, 2, None)),
        ({"total": 3, "completed": 1, "results": {"0": ALL[0]}}, RowCounts(3, 1, None)),
        ({"total": 3, "completed": 1, "results": [1, None, "x"]}, RowCounts(3, 1, None)),
    ],
)
def test_counts(members: dict[str, Any], counts: RowCounts) -> None:
    """Rows are counted where all of them are shown; else what is counted there is held within the total."""
    assert read(status="PROCESSING", **members).counts == counts


def test_counts_of_a_job_that_completed() -> None:
    """Without a total, a page that is not full shows all rows of a job that completed, and each of them is over."""
    rows = [row("completed"), row("failed", 2), row("SKIPPED", 3)]
    small = Thunderbit("tb", ThunderbitOptions(page_size=3))

    assert read(status="completed", results=rows).counts == RowCounts(3, 1, 2)
    assert read(small, status="completed", results=rows).counts == RowCounts()
    assert read(status="cancelled", results=rows).counts == RowCounts()


@pytest.mark.parametrize(
    ("members", "progress"),
    [
        ({"status": "PENDING"}, None),
        ({"status": "PENDING", "total": 0}, 0),
        ({"status": "PENDING", "total": 3}, 0),
        ({"status": "PROCESSING", "total": 3, "completed": 1, "failed": 1}, 66),
        ({"status": "PROCESSING", "total": 2, "completed": 2}, 99),
        ({"status": "COMPLETED"}, 100),
        ({"status": "COMPLETED", "total": 3, "completed": 1}, 100),
        ({"status": "CANCELLED", "total": 10, "completed": 4, "failed": 0}, 40),
        ({"status": "FAILED", "total": 2, "completed": 1, "failed": 1}, 99),
    ],
)
def test_progress(members: dict[str, Any], progress: int | None) -> None:
    """Progress follows from the counts; one job is at 100 and that is the one that completed."""
    assert read(**members).progress == progress


def test_a_whole_answer() -> None:
    """What an answer says, and where the job stands that it is about."""
    said = read(
        status="COMPLETED",
        total=2,
        completed=2,
        createdAt="2026-05-03T08:15:30Z",
        completedAt="2026-05-03T10:17:02.25+02:00",
        creditsUsed=100,
        results=[row("completed", data=[{"name": "A"}]), row("failed", 2, error="timeout")],
    )

    assert said == Observation(
        kind="batch",
        job_id=JOB,
        status=Status.COMPLETED,
        native_status="COMPLETED",
        progress=100,
        counts=RowCounts(2, 1, 1),
        created_at=parse_rfc3339("2026-05-03T08:15:30Z"),
        ended_at=parse_rfc3339("2026-05-03T08:17:02.25Z"),
        writes_files=False,
        outputs=(NamedOutput(OutputRole.RESULTS, JOB),),
        endpoint="/batch/extract",
        polling_url=PLACE,
        cancel_url=PLACE,
        more={"creditsUsed": 100},
    )


@pytest.mark.parametrize(
    ("members", "has_rows"),
    [
        ({"status": "COMPLETED"}, True),
        ({"status": "COMPLETED", "total": 0}, True),
        ({"status": "CANCELLED", "total": 3, "completed": 1}, True),
        ({"status": "CANCELLED", "results": [row("SUCCEEDED")]}, True),
        ({"status": "CANCELLED", "total": 3, "completed": 0}, False),
        ({"status": "FAILED"}, False),
        ({"status": "FAILED", "total": 3, "failed": 3}, True),
        ({"status": "PROCESSING", "completed": 1}, False),
    ],
)
def test_rows_to_fetch(members: dict[str, Any], has_rows: bool) -> None:
    """The rows are there once the job is over: all of one that completed, and of others those that were done."""
    assert read(**members).outputs == ((NamedOutput(OutputRole.RESULTS, JOB),) if has_rows else ())
    assert read(**members).writes_files is False


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            {"error": {"code": "PIPELINE_ERROR", "message": "The job has failed"}},
            "PIPELINE_ERROR",
            "The job has failed",
        ),
        ({"error": {"code": 500, "status": "PIPELINE_ERROR"}}, "PIPELINE_ERROR", None),
        ({"error": "PIPELINE_ERROR"}, "PIPELINE_ERROR", None),
        ({"error": "the page\nis gone"}, None, r"the page\nis gone"),
        ({"errorCode": "PIPELINE_ERROR"}, "PIPELINE_ERROR", None),
        ({"error": None}, None, None),
        ({"error": 5}, None, None),
        ({"error": {"code": ["x"]}}, None, None),
    ],
)
def test_why_it_failed(error: dict[str, Any], code: str | None, message: str | None) -> None:
    """The reason is read as an object, as a text, or under the name of a code."""
    said = read(status="FAILED", **error)

    assert (said.error_code, said.error_message) == (code, message)


def test_without_the_question() -> None:
    """Where it is not known which endpoint was asked, the job stands nowhere in particular."""
    said = answer({"data": {"id": JOB, "status": "PENDING"}}, asked=None)

    assert isinstance(said, Observed)
    assert (said.observation.polling_url, said.observation.cancel_url, said.observation.endpoint) == (None, None, None)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["PENDING", "COMPLETED", "FAILED", "2026-05-03T08:15:30Z"])
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["url", "status", "error", "data"]), VALUES) | VALUES, max_size=4)
NAMES = st.sampled_from(["status", "total", "completed", "failed", "createdAt", "completedAt", "error", "creditsUsed"])


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES), ROWS)
def test_any_job(members: dict[str, Any], rows: list[Any]) -> None:
    """Whatever a job's members are: only three words end it, its counts fit each other, and 100 is for what completed."""
    said = answer({"data": {**members, "id": JOB, "results": rows}})

    assert isinstance(said, Observed | Troubled)
    if isinstance(said, Observed):
        seen, counts = said.observation, said.observation.counts
        ends = {"COMPLETED", "FAILED", "CANCELLED", "CANCELED"}
        assert seen.status.is_terminal == (str(members["status"]).upper() in ends)
        assert (seen.progress == 100) == (seen.status is Status.COMPLETED)
        if counts.total is not None:
            assert 0 <= (counts.completed or 0) + (counts.failed or 0) <= counts.total
