"""Thunderbit's status words of jobs (contract 5, 12). They are written in either case, and with one L or two."""

from typing import Any

from schemas.readings import RowCounts
from schemas.words import Status

WORDS = {
    "PENDING": Status.PENDING,
    "PROCESSING": Status.RUNNING,
    "COMPLETED": Status.COMPLETED,
    "FAILED": Status.FAILED,
    "CANCELLED": Status.CANCELLED,
}


def canonical(native: str) -> str:
    """A word of status as it stands in delivery keys (contract 9.4)."""
    word = native.upper()
    return "CANCELLED" if word == "CANCELED" else word


def read_status(native: Any, has_begun: bool) -> Status | None:
    """The status behind a word; None where it is none that we know. `has_begun`: rows are done, and then a job that is called
    pending is at work: one page of the contract's sources has no other word for that (contract 5)."""
    status = WORDS.get(canonical(native)) if isinstance(native, str) else None
    return Status.RUNNING if status is Status.PENDING and has_begun else status


def progress_of(status: Status | None, counts: RowCounts) -> int | None:
    """In percent, and 100 for nothing but a job that completed (contract 6). None: nobody has counted."""
    if status is Status.COMPLETED:
        return 100
    if counts.total is None:
        return None
    done = (counts.completed or 0) + (counts.failed or 0)
    return min(99, 100 * done // counts.total) if counts.total else 0
