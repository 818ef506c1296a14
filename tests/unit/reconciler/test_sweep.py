"""What becomes of jobs that the list shows and we do not know: ours by submission, adopted by policy, or left alone."""

from typing import Any

import pytest
from factories import NOW, thoroughly
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rounds.sweeping import first_due
from reconciler.sweep import Sorting, sort
from schemas.ids import shown
from schemas.readings import Observation
from schemas.tables import SubmissionRow
from schemas.times import DAY, SECOND
from schemas.words import Status

SINCE = NOW - DAY


def seen(job_id: str = "batch_1", **said: Any) -> Observation:
    plain: dict[str, Any] = {"created_at": SINCE + SECOND, "input_file_id": f"file-of-{job_id}"}
    return Observation("batch", job_id, Status.RUNNING, "in_progress", **{**plain, **said})


def submission(number: int = 5, file_id: str | None = "file-1", job_id: str | None = None) -> SubmissionRow:
    row = {"id": number, "source": "main", "state": "unconfirmed", "input_name": "a", "input_sha256": "0"}
    return SubmissionRow(
        **row, input_bytes=1, row_count=1, input_file_id=file_id, job_id=job_id, created_at=1, updated_at=1
    )


def sorted_as(one: Observation, adopt: Any, *rows: SubmissionRow, room: int = 9) -> str:
    sorting = sort([one], rows, adopt, SINCE, room)
    return next(name for name in ("ours", "adopted", "orphans") if getattr(sorting, name))


@pytest.mark.parametrize("adopt", ["none", "signed", "all"])
@pytest.mark.parametrize(
    ("one", "row", "ours"),
    [
        (seen(input_file_id="file-1"), submission(), True),
        (seen(input_file_id="file-1"), submission(job_id="batch_1"), True),
        (seen(input_file_id="file-1"), submission(job_id="batch_other"), False),
        (seen(input_file_id="file-1", submission=shown("sub", 5)), submission(), True),
        (seen(input_file_id="file-1", submission=shown("sub", 6)), submission(), False),
        (seen(input_file_id="file-1", submission="nonsense"), submission(), False),
        (seen(input_file_id="file-2", submission=shown("sub", 5)), submission(), True),
        (seen(input_file_id="file-2"), submission(), False),
        (seen(input_file_id=None), submission(file_id=None), False),
    ],
)
def test_ours(adopt: Any, one: Observation, row: SubmissionRow, ours: bool) -> None:
    """What a submission of ours made is ours by any policy: by the token where it is shown, else by the input file."""
    assert (sorted_as(one, adopt, row) == "ours") == ours


@pytest.mark.parametrize(
    ("adopt", "created_at", "becomes"),
    [
        ("none", NOW, "orphans"),
        ("signed", NOW, "orphans"),
        ("all", NOW, "adopted"),
        ("all", SINCE, "adopted"),
        ("all", SINCE - 1, "orphans"),
        ("all", None, "orphans"),
    ],
)
def test_by_policy(adopt: Any, created_at: int | None, becomes: str) -> None:
    """Without a submission only `all` takes a job on, and only one that says it was created since we listen."""
    assert sorted_as(seen(created_at=created_at), adopt) == becomes


def test_one_submission_one_job() -> None:
    """Of two batches made from one input file the first that was created is the submission's; the other is somebody's."""
    first, second = seen("batch_a", input_file_id="file-1"), seen("batch_b", input_file_id="file-1", created_at=NOW)
    sorting = sort([second, first], [submission()], "signed", SINCE, 9)

    assert [one.job_id for one, _ in sorting.ours] == ["batch_a"]
    assert sorting.orphans == [second]


def test_room() -> None:
    """No more are adopted than there is room for; the rest is counted."""
    sorting = sort([seen(f"batch_{number}") for number in range(5)], [], "all", SINCE, 2)

    assert (len(sorting.adopted), sorting.orphans_by_kind) == (2, {"batch": 3})
    assert sort([seen()], [], "all", SINCE, 0).orphans_by_kind == {"batch": 1}


@thoroughly
@given(
    st.lists(
        st.builds(seen, st.sampled_from("abcdef"), input_file_id=st.sampled_from([None, "file-1", "file-2"])),
        max_size=8,
    ),
    st.lists(st.builds(submission, st.integers(1, 9), st.sampled_from([None, "file-1", "file-2"])), max_size=3),
    st.sampled_from(["none", "signed", "all"]),
    st.integers(-2, 5),
)
def test_each_has_one_place(unknown: list[Observation], rows: list[SubmissionRow], adopt: Any, room: int) -> None:
    """Every job that the list shows is ours, adopted or left alone, and by `none` and `signed` nothing is adopted."""
    sorting: Sorting = sort(unknown, rows, adopt, SINCE, room)

    assert len(sorting.ours) + len(sorting.adopted) + len(sorting.orphans) == len(unknown)
    assert len(sorting.adopted) <= (max(0, room) if adopt == "all" else 0)
    assert len({id(row) for _, row in sorting.ours}) == len(sorting.ours)


@pytest.mark.parametrize(
    ("swept_at", "due_at"),
    [
        (None, NOW),
        (NOW, NOW + DAY),
        (NOW - SECOND, NOW - SECOND + DAY),
        (NOW - DAY, NOW),
        (NOW - 9 * DAY, NOW),
        (NOW + SECOND, NOW),
    ],
)
def test_the_first_sweep(swept_at: int | None, due_at: int) -> None:
    """A sweep is due at the start, but a restart does not bring it forward, nor a clock that was set back put it off."""
    assert first_due(swept_at, DAY, NOW) == due_at
