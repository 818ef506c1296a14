"""Phaseo's list of batches (contract 3.3): one page, the most recently touched first, from storage and so behind the truth.

It is asked without a filter, because a word that the gateway does not know switches the filter off and not on.
"""

from schemas.dialects.phaseo.errors import read_trouble
from schemas.dialects.phaseo.rest import read_object
from schemas.readings import Observation, Page, Question, Response, Troubled
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Trouble

MOST = 100  # the gateway's own limit; left out, it would be one


def list_page(base_url: str) -> Question:
    return Question("GET", f"{base_url}/batches?limit={MOST}")


def read_page(response: Response) -> Page | Troubled:
    """The entries that can be read. There is no second page: `has_more` is always false, and no cursor exists."""
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
    return Page(tuple(observations.values()), unreadable=read.count(None), is_full=len(entries) >= MOST)


def _read(entry: object) -> Observation | None:
    read = read_object(entry) if isinstance(entry, dict) else None
    return read if isinstance(read, Observation) else None
