"""Phaseo's list of batches (contract 3.3): from storage and so behind the truth, the most recently touched first, at most 100.

There is no second page: `has_more` is always false, and no cursor exists. When the page is full, the list is asked once more
for each status, as far as a filter can name it. A word that the gateway does not know would switch its filter off and not
on; so only words that it knows are sent, each alone, and an answer that holds something else is told from one that obeys.
"""

from collections.abc import Mapping

from schemas.dialects.phaseo.errors import read_trouble
from schemas.dialects.phaseo.objects import read_object
from schemas.readings import Observation, Page, Question, Response, Troubled
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Trouble

MOST = 100  # the gateway's own limit; left out, it would be one

# Which stored words each filter lets pass, in the order in which we ask: what is open first.
FILTERS: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"pending", "queued", "validating"}),
    "in_progress": frozenset({"in_progress", "finalizing", "cancelling"}),
    "cancelled": frozenset({"cancelled", "canceled"}),
    "failed": frozenset({"failed"}),
    "expired": frozenset({"expired"}),
    "completed": frozenset({"completed"}),
}
_ORDER = (None, *FILTERS)
_HANGING = "jobs whose creation hangs (submitting, submission_unknown) match no filter"


def list_page(base_url: str, cursor: str | None) -> Question:
    """`cursor` is one of the filters; None asks for all."""
    chosen = "" if cursor is None else f"&status={cursor}"
    return Question("GET", f"{base_url}/batches?limit={MOST}{chosen}")


def read_page(response: Response, cursor: str | None) -> Page | Troubled:
    """The entries that can be read, and the filter to go on with once the unfiltered page was full."""
    if not 200 <= response.status < 300:
        return read_trouble(response)
    try:
        entries = parse_object(response.body, any_text=True).get("data")
    except NotStrictJson as error:
        return Troubled(Trouble.UNREADABLE, f"the list is not readable: {error}", response.status)
    if not isinstance(entries, list):
        return Troubled(Trouble.UNREADABLE, "the list holds no entries", response.status)
    read = [_read(entry) for entry in entries[:MOST]]
    observations: dict[str, Observation] = {}
    for one in read:
        if one is not None:
            observations.setdefault(one.job_id, one)
    seen, is_full = tuple(observations.values()), len(entries) >= MOST
    obeyed = cursor is None or all((one.native_status or "").lower() in FILTERS[cursor] for one in seen)
    following = _following(cursor) if obeyed and (is_full or cursor is not None) else None
    doubt = _doubt(cursor, is_full, obeyed)
    return Page(seen, read.count(None), is_full, following, cursor if obeyed else None, doubt)


def _doubt(cursor: str | None, is_full: bool, obeyed: bool) -> str | None:
    if not obeyed:
        return f"the gateway did not obey its filter status={cursor}"
    return _HANGING if cursor is None and is_full else None


def _following(cursor: str | None) -> str | None:
    place = _ORDER.index(cursor) + 1
    return _ORDER[place] if place < len(_ORDER) else None


def _read(entry: object) -> Observation | None:
    read = read_object(entry, "batch") if isinstance(entry, dict) else None
    return read if isinstance(read, Observation) else None
