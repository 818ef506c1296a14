"""How work came out: each member by its job or its submission, a group by the worst of its members."""

import pytest

from operators.outcomes import Member, Outcome, of_all
from schemas.tables import JobRow, RowMatchRow, SubmissionRow

NOW = 1_790_000_000_000_000


def job(status: str, ready: bool = True, **more: object) -> JobRow:
    return JobRow(
        id=1,
        source="s",
        kind="batch",
        job_id="b",
        origin="submit",
        status=status,
        ready_at=NOW if ready else None,
        created_at=NOW,
        updated_at=NOW,
        **more,
    )


def submission(state: str) -> SubmissionRow:
    return SubmissionRow(
        id=2,
        source="s",
        state=state,
        input_name="f",
        input_sha256="",
        input_bytes=1,
        row_count=1,
        created_at=NOW,
        updated_at=NOW,
    )


def match(failed: int = 0, missing: int | None = 0) -> RowMatchRow:
    return RowMatchRow(job=1, revision=1, succeeded=1, failed=failed, missing=missing, matched_at=NOW)


@pytest.mark.parametrize(
    ("member", "outcome"),
    [
        (Member(None, job("running", ready=False)), None),
        (Member(None, job("completed", ready=False)), None),
        (Member(None, job("completed"), match()), Outcome.COMPLETED),
        (Member(None, job("completed"), match(failed=1)), Outcome.ROWS_FAILED),
        (Member(None, job("completed"), match(missing=1)), Outcome.ROWS_FAILED),
        (Member(None, job("completed"), match(missing=None)), Outcome.COMPLETED),
        (Member(None, job("completed", rows_failed=1), match()), Outcome.COMPLETED),
        (Member(None, job("completed", rows_failed=1)), Outcome.ROWS_FAILED),
        (Member(None, job("failed")), Outcome.FAILED),
        (Member(None, job("expired")), Outcome.EXPIRED),
        (Member(None, job("cancelled")), Outcome.CANCELLED),
        (Member(submission("stored"), None), None),
        (Member(submission("creating"), None), None),
        (Member(submission("unclear"), None), None),
        (Member(submission("refused"), None), Outcome.NOT_MADE),
        (Member(submission("dropped"), None), Outcome.NOT_MADE),
        (Member(submission("unconfirmed"), None), Outcome.UNCONFIRMED),
    ],
)
def test_a_member(member: Member, outcome: Outcome | None) -> None:
    """It is awaited until it is ready; our own match counts before the provider's; what nobody knows is not called not made."""
    assert member.outcome is outcome


def test_a_group_is_as_bad_as_its_worst_member() -> None:
    """It is awaited while any member is; then the worst counts."""
    good, bad = Member(None, job("completed"), match()), Member(None, job("failed"))
    awaited = Member(submission("stored"), None)

    assert of_all([good, good]) is Outcome.COMPLETED
    assert of_all([good, bad, Member(None, job("cancelled"))]) is Outcome.FAILED
    assert of_all([bad, Member(submission("unconfirmed"), None)]) is Outcome.UNCONFIRMED
    assert of_all([good, awaited]) is None
    assert of_all([]) is None


def test_every_outcome_has_a_code_of_its_own() -> None:
    """A script can tell them apart, and from every other exit code."""
    codes = [outcome.exit_code for outcome in Outcome]
    assert sorted(codes) == [0, 10, 11, 12, 13, 14, 16]
