"""How a job, a submission or a group came out, and the exit code that tells a script. Pure.

A group is as bad as the worst of its members.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from schemas.tables import JobRow, RowMatchRow, SubmissionRow
from schemas.words import Status, SubmissionState


class Outcome(Enum):
    """Worst last. The value is the word, and the exit code of `wait`."""

    COMPLETED = ("completed", 0)
    ROWS_FAILED = ("completed, but not every row", 10)
    CANCELLED = ("cancelled", 11)
    EXPIRED = ("expired", 12)
    FAILED = ("failed", 13)
    NOT_MADE = ("not made", 14)
    UNCONFIRMED = ("nobody knows whether a job came of it", 16)

    @property
    def word(self) -> str:
        return self.value[0]

    @property
    def exit_code(self) -> int:
        return self.value[1]


TIMED_OUT_CODE = 15
_ENDS = {
    Status.FAILED: Outcome.FAILED,
    Status.CANCELLED: Outcome.CANCELLED,
    Status.EXPIRED: Outcome.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One piece of work: its submission where we made it, its job once there is one, and how that job's rows were matched."""

    submission: SubmissionRow | None
    job: JobRow | None
    match: RowMatchRow | None = None

    @property
    def outcome(self) -> Outcome | None:
        """None while it is awaited. A submission of which nobody knows whether it made a job is awaited no more either: a
        person has to decide."""
        if self.job is None:
            return None if self.submission is None else without_job(self.submission.state)
        return None if self.job.ready_at is None else of_job(self.job.status, self._lacks_rows)

    @property
    def _lacks_rows(self) -> bool:
        """By our own match; where rows are not matched, by the provider's count."""
        if self.match is not None:
            return bool(self.match.failed or self.match.missing)
        return self.job is not None and bool(self.job.rows_failed)


def of_job(status: str, lacks_rows: bool) -> Outcome:
    """Of a job that is ready."""
    return _ENDS.get(Status(status)) or (Outcome.ROWS_FAILED if lacks_rows else Outcome.COMPLETED)


def without_job(state: str) -> Outcome | None:
    """Of a submission of which there is no job."""
    if state == SubmissionState.UNCONFIRMED:
        return Outcome.UNCONFIRMED
    return Outcome.NOT_MADE if SubmissionState(state).is_over else None


def of_all(members: Iterable[Member]) -> Outcome | None:
    """The worst outcome; None while any is awaited."""
    return worst(member.outcome for member in members)


def worst(found: Iterable[Outcome | None]) -> Outcome | None:
    """None while any is awaited."""
    outcomes = list(found)
    if not outcomes or None in outcomes:
        return None
    order = list(Outcome)
    return max((one for one in outcomes if one is not None), key=order.index)
