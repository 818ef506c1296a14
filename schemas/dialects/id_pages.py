"""Pages of a list in the form that several providers have: `data`, `has_more`, `last_id`, and the next page asked for with the id
of the last entry."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.identity import is_job_id
from schemas.readings import Observation, Page, Response, Troubled
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Trouble

Read = Callable[[Mapping[str, Any]], Observation | str]


def read_page(response: Response, cursor: str | None, most: int, read: Read) -> Page | Troubled:
    """The entries of a success that `read` can read, of at most `most`, and where the next page begins if there is one."""
    try:
        document = parse_object(response.body, any_text=True)
    except NotStrictJson as error:
        return Troubled(Trouble.UNREADABLE, f"the list is not readable: {error}", response.status)
    entries = document.get("data")
    if not isinstance(entries, list):
        return Troubled(Trouble.UNREADABLE, "the list holds no entries", response.status)
    found = [read(entry) if isinstance(entry, dict) else "no object" for entry in entries[:most]]
    observations: dict[str, Observation] = {}
    for one in found:
        if isinstance(one, Observation):
            observations.setdefault(one.job_id, one)
    shown, unreadable = tuple(observations.values()), sum(isinstance(one, str) for one in found)
    has_more = _has_more(document.get("has_more"), len(entries), most)
    following = _last_id(document, entries) if has_more else None
    if following is not None and following == cursor:
        return Page(shown, unreadable, doubt="the list does not go on after its last entry")
    return Page(shown, unreadable, has_more, following)


def _has_more(told: Any, shown: int, most: int) -> bool:
    """As it says; where it does not say, a full page is taken for one of several."""
    return told if isinstance(told, bool) else shown >= most


def _last_id(document: Mapping[str, Any], entries: list[Any]) -> str | None:
    """What the next page is asked for with, by its own member or by the last entry."""
    last = entries[-1] if entries and isinstance(entries[-1], dict) else {}
    found = (document.get("last_id"), last.get("id"))
    return next((one for one in found if isinstance(one, str) and is_job_id(one)), None)
