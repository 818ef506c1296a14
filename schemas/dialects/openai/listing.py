"""OpenAI's list of batches (`batches.list` of the SDK), all of the organization: 100 to a page, and what comes `after` an id."""

from typing import Any

from schemas.dialects.openai.errors import read_trouble
from schemas.dialects.openai.objects import read_object
from schemas.dialects.urls import segment
from schemas.identity import is_job_id
from schemas.readings import Observation, Page, Question, Response, Troubled
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Trouble

MOST = 100


def list_page(base_url: str, cursor: str | None) -> Question:
    """`cursor` is the id of the last batch of the page before."""
    after = "" if cursor is None else f"&after={segment(cursor)}"
    return Question("GET", f"{base_url}/batches?limit={MOST}{after}")


def read_page(response: Response, cursor: str | None) -> Page | Troubled:
    """The entries that can be read, and where the next page begins if there is one."""
    if not 200 <= response.status < 300:
        return read_trouble(response)
    try:
        document = parse_object(response.body, any_text=True)
    except NotStrictJson as error:
        return Troubled(Trouble.UNREADABLE, f"the list is not readable: {error}", response.status)
    entries = document.get("data")
    if not isinstance(entries, list):
        return Troubled(Trouble.UNREADABLE, "the list holds no entries", response.status)
    read = [_read(entry) for entry in entries[:MOST]]
    observations: dict[str, Observation] = {}
    for one in read:
        if one is not None:
            observations.setdefault(one.job_id, one)
    has_more = _has_more(document.get("has_more"), len(entries))
    following = _last_id(document, entries) if has_more else None
    if following is not None and following == cursor:
        return Page(
            tuple(observations.values()), read.count(None), doubt="the list does not go on after its last entry"
        )
    return Page(tuple(observations.values()), read.count(None), has_more, following)


def _has_more(told: Any, shown: int) -> bool:
    """As it says; where it does not say, a full page is taken for one of several."""
    return told if isinstance(told, bool) else shown >= MOST


def _last_id(document: dict[str, Any], entries: list[Any]) -> str | None:
    """What the next page is asked for with, by its own member or by the last entry."""
    last = entries[-1] if entries and isinstance(entries[-1], dict) else {}
    found = (document.get("last_id"), last.get("id"))
    return next((one for one in found if isinstance(one, str) and is_job_id(one)), None)


def _read(entry: object) -> Observation | None:
    read = read_object(entry) if isinstance(entry, dict) else None
    return read if isinstance(read, Observation) else None
