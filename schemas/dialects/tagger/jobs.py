"""Asking about one job: its status, and its history where that is known to us (contract 3, 9, 12)."""

from schemas.dialects.tagger import history, routes
from schemas.dialects.tagger.errors import denies_job, read_document, unreadable
from schemas.dialects.tagger.standing import read_standing
from schemas.readings import Answer, Denied, Observation, Observed, Question, Response, Troubled
from schemas.words import Trouble

# What it can mean, as far as one answer tells: whoever has seen the job before knows more.
NO_STATE = (
    "the tagger holds no state of this job: it keeps one for 24 hours from the start, may lose it before that, "
    "and has none of a start that it did not accept"
)


def poll(base_url: str, job_id: str, polling_url: str | None) -> tuple[Question, ...]:
    """Its status, and where that is denied its history, if the polling URL is its place. Any other is recorded, not followed."""
    db_job_id = routes.history_id(base_url, polling_url)
    status = routes.job(base_url, job_id, "status")
    if db_job_id is None:
        return (Question("GET", status, mismatch=polling_url),)
    return Question("GET", status), Question("GET", routes.history(base_url, db_job_id))


def read_poll(job_id: str, response: Response, asked: Question | None) -> Answer:
    """A ghost is denied like a job that is not there."""
    db_job_id = routes.history_id_asked(asked.url) if asked else None
    if db_job_id is not None:
        return history.read_end(job_id, db_job_id, response)
    if denies_job(response):
        return Denied(NO_STATE)
    document = read_document(response)
    if isinstance(document, Troubled):
        return document
    if document.get("job_id") != job_id:
        return Troubled(Trouble.WRONG_JOB, "the answer does not say that it is about this job", response.status)
    read = read_standing(job_id, document)
    if isinstance(read, str):
        return unreadable(response, read)
    return Observed(read) if isinstance(read, Observation) else read
