"""One refusal whole: why it was refused, what it presented, and what became of it since."""

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import documented, views
from operators.errors import nothing_called
from operators.views import View
from reconciler.causes import CAUSES
from schemas.ids import parse
from schemas.presented import Presented, read
from schemas.tables import RefusalRow, RefusedRequestRow
from schemas.texts import clean
from schemas.times import SECOND, rfc3339_or_none
from schemas.words import RefusalReason
from storage import refusals, refused_requests

REFUSAL = "ref"
LONGEST = 256  # characters of a stranger's text


async def show_refusal(connection: AsyncConnection, name: str) -> View:
    """One refusal with what its request presented, whether that is kept, and whether it was taken in later.

    Raises:
        NoSuchThing: no refusal is called that.
    """
    number = parse(name, REFUSAL)
    row = None if number is None else await refusals.get(connection, number)
    if row is None:
        raise nothing_called("refusal", name, "refusals")
    request = await refused_requests.get(connection, row.id)
    return {
        **views.refusal(row, None if request is None else _taken_in(request)),
        "likely_cause": CAUSES[RefusalReason(row.reason)].usually,
        "page": documented.REFUSALS,
        "request": None if request is None else _request(row, request),
    }


def _request(row: RefusalRow, request: RefusedRequestRow) -> View:
    """What is kept of its request. Nothing here is believed: strangers can write all of it."""
    presented = read(request.presented)
    return {
        "scheme": presented.scheme,
        "signed_at": _signed_at(presented.signed_at),
        "signed_seconds_before_arrival": _ahead(row, presented),
        "message_id": presented.message_id and clean(presented.message_id, LONGEST),
        "fields": {_text(name): _text(value) for name, value in presented.fields},
        "submission": request.submission,
        "bytes_kept": len(request.body),
    }


def _signed_at(at: int | None) -> str | None:
    """A time that anybody may have written: one beyond the calendar is none."""
    try:
        return rfc3339_or_none(at)
    except (ValueError, OverflowError):
        return None


def _ahead(row: RefusalRow, presented: Presented) -> float | None:
    """By how much our clock was ahead of the sender's, if it came at once."""
    return None if presented.signed_at is None else (row.received_at - presented.signed_at) / SECOND


def _taken_in(request: RefusedRequestRow) -> tuple[int, int] | None:
    if request.taken_in_at is None or request.receipt_id is None:
        return None
    return request.taken_in_at, request.receipt_id


def _text(value: bytes) -> str:
    return clean(value.decode("latin-1"), LONGEST)
