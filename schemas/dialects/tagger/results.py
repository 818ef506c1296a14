"""A job's rows (contract 6, 9, 10): all in the first message of its socket, and those that this one lacks in its history.

Nothing else has them. The list that the first message shows is gone 24 hours after the last row, and a row that failed before
it was handled is not on it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from schemas.contents import NoRow, PagedRow, ResultPage, ResultRow
from schemas.dialects.members import mapping, text
from schemas.dialects.tagger import history, live, routes
from schemas.dialects.tagger.errors import read_document, unreadable
from schemas.dialects.tagger.standing import ENDS, OPEN, read_numbers, whole
from schemas.readings import Denied, Question, Response, Troubled
from schemas.words import Trouble

GONE = "the tagger holds the rows of this job no more: it keeps them for 24 hours from the last one"
AGAIN_AT_WORK = "the tagger has the job at work again under the same id, so these would be the rows of another run"

_CURSOR = re.compile(rf"history:({routes.HISTORY_ID})((?:#[0-9]{{1,16}}(?:,[0-9]{{1,16}})*)?)")
_NO_TOKEN = "Authentication required"  # noqa: S105  (what a socket says, once it is open)
_LONGEST_ERROR = 1_000


def result_page(base_url: str, job_id: str, polling_url: str | None, cursor: str | None) -> Sequence[Question]:
    """First the socket's first message, and the history where that has nothing; with a cursor what the message lacked.

    Behind the URL's #, which is not sent, stands what whoever reads the answer has to know: under which id the history is known
    already, for a state that was lost tells that no more; and which rows are there already, which is in the cursor, too.
    """
    if cursor is not None:
        found = _CURSOR.fullmatch(cursor)
        return (Question("GET", routes.history(base_url, found[1]) + found[2]),) if found else ()
    socket, db_job_id = live.socket(base_url, job_id), routes.history_id(base_url, polling_url)
    if db_job_id is None:
        return (socket,)
    return (replace(socket, url=f"{socket.url}#{db_job_id}"), Question("GET", routes.history(base_url, db_job_id)))


def read_result_page(job_id: str, response: Response, asked: Question | None) -> ResultPage | Denied | Troubled:
    url, _, there = (asked.url if asked else "").partition("#")
    db_job_id = routes.history_id_asked(url)
    if db_job_id is not None and there:
        return _lacking(history.read_history(db_job_id, response), {int(place) for place in there.split(",")})
    if db_job_id is not None:
        return _by_history(history.read_history(db_job_id, response))
    document = read_document(response)
    return document if isinstance(document, Troubled) else _caught_up(job_id, document, response, there or None)


def request_key(place: int) -> str:
    """A row is known by its place among the documents: the tagger repeats nothing of ours (contract 6)."""
    return str(place)


def read_row(line: bytes) -> ResultRow | NoRow:
    """A row as we keep it: `row` is the tagger's entry of the socket, or its document of history."""
    try:
        if not line.isascii():
            line.decode()  # what is only passed over is not looked at as text
        kept = _line.decode(line)
        row = _row.decode(kept.row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NoRow("not a row of the tagger's")
    if not isinstance(row.success, bool) and row.status not in ("success", "failed"):
        return NoRow("without its outcome")
    succeeded = row.success is True or (row.success is None and row.status == "success")
    error = None if succeeded else text(row.error, _LONGEST_ERROR) or text(row.error_message, _LONGEST_ERROR)
    return ResultRow(kept.custom_id, succeeded, None, _error_code(error), error, bytes(kept.row))


class _Line(msgspec.Struct):
    custom_id: str
    row: msgspec.Raw


class _Row(msgspec.Struct):
    success: Any = None
    status: Any = None
    error: Any = None
    error_message: Any = None


_line, _row = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Row)

# How the tagger's error texts begin (contract 6); what follows holds URLs and paths, and is no code.
_BEGINNINGS = (
    "Download failed",
    "Text extraction failed",
    "Insufficient text extracted from document",
    "Tag generation failed",
    "Processing error",
    "Processing timed out",
)
_RATE_LIMITED = "RATE_LIMITED"


def _error_code(error: str | None) -> str | None:
    begun = next((beginning for beginning in _BEGINNINGS if error and error.startswith(beginning)), None)
    is_limited = begun == "Tag generation failed" and f"{_RATE_LIMITED}:" in (error or "")
    return _RATE_LIMITED if is_limited else begun


def _caught_up(
    job_id: str, frame: Mapping[str, Any], response: Response, known: str | None
) -> ResultPage | Denied | Troubled:
    """`known` is the id of its history, where that was told before."""
    if frame.get("type") != "catchup":
        return _not_caught_up(frame, response)
    if frame.get("job_id") != job_id:
        return Troubled(Trouble.WRONG_JOB, "the socket does not say that it is about this job", response.status)
    entries = frame.get("results")
    if not isinstance(entries, list):
        return unreadable(response, "the socket's first message holds no results")
    state = mapping(frame.get("state"))
    rows = {row.key: row for row in map(_paged, entries) if row is not None}  # of a row told twice the last word
    if any(_paged(entry) is None for entry in entries):
        return ResultPage(tuple(rows.values()), problem="some of its rows do not say which document they are about")
    if text(state.get("status")) in OPEN:
        return ResultPage(tuple(rows.values()), problem=AGAIN_AT_WORK)
    db_job_id = state.get("db_job_id")
    return _with_history(state, tuple(rows.values()), db_job_id if routes.history_place(db_job_id) else known)


def _with_history(state: Mapping[str, Any], rows: tuple[PagedRow, ...], db_job_id: str | None) -> ResultPage | Denied:
    """The rows, and where to find those that were handled and are not among them."""
    done = read_numbers(state).done
    if len(rows) < min(done, history.MOST) and db_job_id is not None:
        there = ",".join(row.key for row in rows)
        return ResultPage(rows, cursor=f"history:{db_job_id}#{there}".removesuffix("#"))
    has_none = not rows and (done > 0 or text(state.get("status")) not in ENDS)
    return Denied(GONE) if has_none else ResultPage(rows)


def _not_caught_up(frame: Mapping[str, Any], response: Response) -> Troubled:
    """The socket is open before it is known who asks. A token that has just run out reads as an account that may not, so this
    is not held against the whole source."""
    error = text(frame.get("error"))
    if error is None:
        return unreadable(response, "the socket's first message is not the catch-up")
    trouble = Trouble.KEY_REFUSED if error == _NO_TOKEN else Trouble.GATEWAY
    return Troubled(trouble, f"the socket says: {error}", response.status)


def _paged(entry: object) -> PagedRow | None:
    place = whole(entry.get("row_id")) if isinstance(entry, dict) else None
    return PagedRow(str(place), entry) if isinstance(entry, dict) and place is not None else None


def _by_history(document: Mapping[str, Any] | Denied | Troubled) -> ResultPage | Denied | Troubled:
    """All rows that history has the outcome of, where nothing else has any."""
    if isinstance(document, Troubled):
        return document
    found = () if isinstance(document, Denied) else history.rows(document)
    return ResultPage(found) if found else Denied(GONE)


def _lacking(document: Mapping[str, Any] | Denied | Troubled, there: Collection[int]) -> ResultPage | Troubled:
    """What history adds to the rows that are there. Where it is not, or does not tell which document was which, nothing: the
    job's counts tell how many rows are missing."""
    if isinstance(document, Troubled):
        return document
    found = () if isinstance(document, Denied) else history.rows(document)
    return ResultPage(tuple(row for row in found if row.key.isdecimal() and int(row.key) not in there))
