"""The list of active jobs (contract 7): the account's own, and only those whose status reads `processing`.

A job that was paused works on and is not on it, and a dead one stays. So it shows jobs that nobody knew of, and that a
job is not on it means nothing.
"""

from schemas.dialects.tagger import routes
from schemas.dialects.tagger.errors import read_document, unreadable
from schemas.dialects.tagger.standing import read_standing
from schemas.identity import is_job_id
from schemas.readings import Observation, Page, Question, Response, Troubled
from schemas.times import MINUTE

SHOWN = "processing"
PAUSE = MINUTE  # it scans the whole of the tagger's store
DOUBT = "it leaves out jobs that are pending, paused, or of which part of the state was lost"


def list_page(base_url: str, cursor: str | None) -> Question | None:
    """There is one page."""
    return Question("GET", routes.active(base_url)) if cursor is None else None


def read_page(response: Response) -> Page | Troubled:
    document = read_document(response)
    if isinstance(document, Troubled):
        return document
    entries = document.get("jobs")
    if not isinstance(entries, list):
        return unreadable(response, "the list holds no jobs")
    read = [_read(entry) for entry in entries]
    observations: dict[str, Observation] = {}
    for one in read:
        if one is not None:
            observations.setdefault(one.job_id, one)
    seen = tuple(observations.values())
    is_as_known = all(one.native_status == SHOWN for one in seen)
    return Page(seen, read.count(None), only=SHOWN if is_as_known else None, doubt=DOUBT)


def _read(entry: object) -> Observation | None:
    job_id = entry.get("job_id") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(job_id, str) or not is_job_id(job_id):
        return None
    read = read_standing(job_id, entry)
    return read if isinstance(read, Observation) else None
