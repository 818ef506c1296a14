"""The rows of a job, page by page, and as they are kept here (contract 4.2, 6)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.contents import NoRow, PagedRow, ResultPage, ResultRow
from schemas.dialects.members import count
from schemas.dialects.thunderbit.errors import denied
from schemas.dialects.thunderbit.objects import unwrapped
from schemas.dialects.thunderbit.questions import read_about
from schemas.dialects.thunderbit.rows import Row, error_of, is_completed, outcome, rows_of, word_of
from schemas.dialects.thunderbit.status import read_status
from schemas.readings import Denied, Question, Response, Troubled
from schemas.words import Trouble

MOST_PAGES = 100  # contract 6
_PAGE = re.compile(r"[?&]page=([0-9]{1,6})&")
_NOT_OVER = "the job has ended, and its rows are shown as if it had not: {}"


def read_page(
    job_id: str, response: Response, asked: Question | None, page_size: int
) -> ResultPage | Denied | Troubled:
    """The rows of one page that are over, under their URLs. Others are not there yet, or in a job that was cancelled never."""
    if said := denied(response):
        return said
    document = read_about(job_id, response)
    if isinstance(document, Troubled):
        return document
    job, number = unwrapped(document), _number(asked)
    rows = rows_of(job)
    if rows is None:
        return Troubled(Trouble.UNREADABLE, "the answer has no results", response.status)
    is_over = is_completed(job)
    first = number * page_size
    told = tuple(
        PagedRow(_key(row, place), row) for place, row in enumerate(rows, first) if outcome(row, is_over) is not None
    )
    problem = _problem(job, len(rows) - len(told))
    is_last = _is_last(count(job.get("total")), len(rows), number, page_size)
    if not is_last and number + 1 >= MOST_PAGES:
        return ResultPage(told, None, problem or f"it has more than {MOST_PAGES} pages of rows")
    return ResultPage(told, None if is_last else str(number + 1), problem)


def _number(asked: Question | None) -> int:
    found = _PAGE.search(asked.url) if asked else None
    return int(found[1]) if found else 0


def _key(row: Row, place: int) -> str:
    """A row's URL; of one without, its place."""
    url = row.get("url")
    return url if isinstance(url, str) and url else f"row {place}"


def _is_last(total: int | None, shown: int, number: int, page_size: int) -> bool:
    """No page follows an empty one, or the one that holds the last of all rows; where nobody counts, one that is not full."""
    if total is None:
        return shown < page_size
    return shown == 0 or shown >= total or (number + 1) * page_size >= total


def _problem(job: Mapping[str, Any], unfinished: int) -> str | None:
    """A status answer may lag behind its own webhook (contract 9.5)."""
    status = read_status(job.get("status"), has_begun=False)
    if status is None or not status.is_terminal:
        return _NOT_OVER.format(f"its status is {word_of(job) or 'missing'}")
    if is_completed(job) and unfinished:
        return _NOT_OVER.format(f"{unfinished} on one page are not done")
    return None


class _Stored(msgspec.Struct):
    custom_id: str
    row: msgspec.Raw


_stored = msgspec.json.Decoder(_Stored)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_row(line: bytes) -> ResultRow | NoRow:
    """A row as it is kept here: `{"custom_id": ..., "row": ...}`. Its body is the whole row, as JSON."""
    try:
        stored = _stored.decode(line)
        row = msgspec.json.decode(stored.row)
    except _UNREADABLE:
        return NoRow("not a row of a job, with a custom_id")
    if not stored.custom_id or not isinstance(row, dict):
        return NoRow("not a row of a job, with a custom_id")
    body = bytes(stored.row)
    if outcome(row, job_is_completed=True):
        return ResultRow(stored.custom_id, True, body=body)
    code, message = error_of(row)
    if code is None and message is None:
        message = f"its status is {word_of(row) or 'missing'}"
    return ResultRow(stored.custom_id, False, error_code=code, error_message=message, body=body)


class _Asked(msgspec.Struct):
    url: str


_asked = msgspec.json.Decoder(_Asked)


def read_url(line: bytes) -> str | None:
    """The URL that a line of an input asks for; None: it is no request."""
    try:
        return _asked.decode(line).url or None
    except _UNREADABLE:
        return None


def urls_of(rows: bytes) -> Sequence[str]:
    """The URLs of an input, in its order."""
    return [url for line in rows.split(b"\n") if (url := read_url(line)) is not None]
