"""The rows of a job, one for each URL (contract 4.2, 5, 6): how each ended, and how many did.

How many rows were completed has two meanings on the wire: those that succeeded, or those that are over. So rows are counted here,
as soon as all of them are shown.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dialects.members import count, mapping, text
from schemas.dialects.thunderbit.status import canonical
from schemas.readings import RowCounts

Row = Mapping[str, Any]

_SUCCEEDED = frozenset({"succeeded", "completed", "success"})
_OPEN = frozenset({"pending", "processing"})
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,63}", re.ASCII)


def rows_of(job: Mapping[str, Any]) -> Sequence[Row] | None:
    """The rows that an answer shows; None: it shows none, not even an empty list."""
    rows = job.get("results")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


def word_of(row: Row) -> str:
    """A row's own word of status, in lower case: the pages write it in either."""
    return (text(row.get("status")) or "").lower()


def outcome(row: Row, job_is_completed: bool) -> bool | None:
    """Whether a row succeeded; None: it is not over. In a job that completed every row is, whatever it is called."""
    word = word_of(row)
    if word in _SUCCEEDED:
        return True
    is_over = word == "failed" or (word not in _OPEN and (job_is_completed or error_of(row) != (None, None)))
    return False if is_over else None


def is_completed(job: Mapping[str, Any]) -> bool:
    word = job.get("status")
    return isinstance(word, str) and canonical(word) == "COMPLETED"


def counts_of(job: Mapping[str, Any], page_size: int) -> RowCounts:
    """How many rows there are, succeeded and failed, in an answer that began with the first row."""
    total, completed, failed = (count(job.get(name)) for name in ("total", "completed", "failed"))
    rows, is_over = rows_of(job), is_completed(job)
    if rows is not None and (len(rows) >= total if total is not None else is_over and len(rows) < page_size):
        ends = [outcome(row, is_over) for row in rows]
        return RowCounts(len(rows), ends.count(True), ends.count(False))
    if total is None:
        return RowCounts(None, completed, failed)
    failed = None if failed is None else min(failed, total)
    return RowCounts(total, None if completed is None else min(completed, total - (failed or 0)), failed)


def has_begun(job: Mapping[str, Any], counts: RowCounts) -> bool:
    """At least one row is over."""
    done = (counts.completed or 0) + (counts.failed or 0)
    return done > 0 or any(outcome(row, False) is not None for row in rows_of(job) or ())


def error_of(member: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The code and message of a row's error, a job's or an answer's: `error` as an object or a text, or `errorCode`.

    Of an object's `code` and `status` the text is the code: in one deployment they have changed places (contract 8).
    """
    error = member.get("error")
    if isinstance(error, str) and error and not _CODE.fullmatch(error):
        return None, text(error, 1_000)
    told = mapping(error)
    code = text(error) or text(told.get("code")) or text(told.get("status")) or text(member.get("errorCode"))
    return code, text(told.get("message"), 1_000)
