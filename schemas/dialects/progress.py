"""How far a job has come, where its provider tells only how many of its rows are done."""

from schemas.readings import RowCounts
from schemas.words import Status


def progress_of(status: Status, counts: RowCounts) -> int | None:
    """In percent; None while the rows are not counted yet. It is shown and decides nothing."""
    if status is Status.COMPLETED:
        return 100
    if not counts.total:
        return None
    done = (counts.completed or 0) + (counts.failed or 0)
    return max(0, min(100, round(100 * done / counts.total)))
