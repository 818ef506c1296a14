"""How a job stands, as the status endpoint, the list, and the frames of a socket tell it (contract 3, 4, 10, 12).

The same number is a number in one and a text in the other; `total` has another name here and there, and is 0 once the
state was lost. Of a word that nobody knows nothing is concluded but that the job has not ended.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.dialects.members import read_time, text
from schemas.dialects.progress import progress_of
from schemas.readings import Denied, NamedOutput, Observation, RowCounts
from schemas.words import OutputRole, Status

KIND = "batch"
ENDS: Mapping[str, Status] = {
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
}
OPEN: Mapping[str, Status] = {
    "pending": Status.PENDING,
    "processing": Status.RUNNING,
    # The worker went on after a second (contract 5): where rows are seen to move, it is running.
    "paused": Status.PAUSED,
}
UNKNOWN = "unknown"  # a hash without a status: a ghost, or the rest of a state that was lost while the job ran

GHOST = "its state is a ghost: somebody sent a command to a job that the tagger did not know (any more)"
SHUT_DOWN = "the tagger says cancelled also of a job that ran when its server was shut down"
_MOST = 1 << 53


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is told in numbers. None: it is not told. `results` are entries in the list of finished rows, which may run ahead."""

    total: int | None
    processed: int | None
    failed: int | None
    results: int | None
    fraction: float | None

    @property
    def done(self) -> int:
        """Rows that are handled: `processed_count` has only those that succeeded."""
        return (self.processed or 0) + (self.failed or 0)

    @property
    def is_nothing(self) -> bool:
        return not (self.total or self.done or self.results or self.fraction)


def read_numbers(members: Mapping[str, Any]) -> Numbers:
    total = whole(members.get("total"))
    return Numbers(
        total=(whole(members.get("total_documents")) if total is None else total) or None,
        processed=whole(members.get("processed_count")),
        failed=whole(members.get("failed_count")),
        results=whole(members.get("results_count")),
        fraction=read_fraction(members.get("progress")),
    )


def read_standing(job_id: str, members: Mapping[str, Any]) -> Observation | Denied | str:
    """What is told of a job: how it stands, that it is none, or why that cannot be read."""
    native = text(members.get("status"))
    if native is None:
        return "the answer has no status"
    numbers = read_numbers(members)
    if native == UNKNOWN and numbers.is_nothing:
        return Denied(GHOST)
    status = _status(native, numbers)
    counts = RowCounts(numbers.total, numbers.processed, numbers.failed)
    has_rows = status is Status.COMPLETED or (status.is_terminal and bool(numbers.done or numbers.results))
    return Observation(
        kind=KIND,
        job_id=job_id,
        status=status,
        native_status=native,
        progress=progress(status, counts, numbers.fraction),
        counts=counts,
        created_at=read_start(members.get("start_time")),
        writes_files=False,
        outputs=(NamedOutput(OutputRole.RESULTS, job_id),) if has_rows else (),
        more=_more(native, numbers),
    )


def progress(status: Status, counts: RowCounts, fraction: float | None) -> int | None:
    """In percent, by the rows; where their number was lost, by what the tagger says itself, but not of a job that has ended."""
    counted = progress_of(status, counts)
    if counted is not None or fraction is None or status.is_terminal:
        return counted
    return round(100 * fraction)


def whole(value: Any) -> int | None:
    """A number of rows, as a number or as a text of digits; None: it is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(0, min(value, _MOST))


def read_fraction(value: Any) -> float | None:
    """`progress`, from 0 to 1, as a number or a text; held within them. None: it is none."""
    told = _real(value)
    return None if told is None else max(0.0, min(1.0, told))


def read_start(value: Any) -> int | None:
    """`start_time`: Unix seconds with decimals, written as a text (contract 10)."""
    return read_time(_real(value))


def _real(value: Any) -> float | None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or (isinstance(value, str) and len(value) > 32)
    ):
        return None
    try:
        told = float(value)
    except (ValueError, OverflowError):
        return None
    return told if math.isfinite(told) else None


def _status(native: str, numbers: Numbers) -> Status:
    known = ENDS.get(native) or OPEN.get(native)
    if known is not None:
        return known
    return Status.PENDING if numbers.is_nothing else Status.RUNNING


def _more(native: str, numbers: Numbers) -> dict[str, object]:
    """What else it shows, and what is odd about it (contract 3, 12)."""
    more: dict[str, object] = {} if numbers.results is None else {"results_count": numbers.results}
    if native == UNKNOWN:
        more["state_partial"] = True
    if numbers.total and (numbers.results or 0) > numbers.total:
        more["started_twice"] = True
    return more
