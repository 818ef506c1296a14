"""What Anthropic is asked about batches, and what its answers mean (`resources/messages/batches.py` of the SDK)."""

from urllib.parse import urlsplit

from schemas.dialects.anthropic.errors import denied, document_of, read_envelope, read_trouble
from schemas.dialects.anthropic.objects import read_object
from schemas.dialects.urls import follow, segment
from schemas.readings import Answer, CancelRefused, Denied, Observed, Question, Response, Troubled
from schemas.words import Trouble

_NOT_CANCELLABLE = frozenset({400, 405, 409, 410, 422})


def poll(base_url: str, job_id: str, polling_url: str | None) -> Question:
    """Ask for one batch. Anthropic offers no such URL; one that was offered all the same is followed only if it is our own."""
    url, mismatch = follow(base_url, polling_url, [_path(base_url, job_id)])
    return Question("GET", url, mismatch=mismatch)


def cancel(base_url: str, job_id: str, cancel_url: str | None) -> Question:
    url, mismatch = follow(base_url, cancel_url, [f"{_path(base_url, job_id)}/cancel"])
    return Question("POST", url, mismatch=mismatch)


def results(base_url: str, job_id: str) -> Question:
    """Ask for the rows, at our own path. `results_url` may lead elsewhere, where `x-api-key` must not go along (note 3.14)."""
    return Question("GET", f"{base_url}/messages/batches/{segment(job_id)}/results")


def read_poll(job_id: str, response: Response) -> Answer:
    return denied(response) or read_about(response, job_id)


def read_cancel(job_id: str, response: Response) -> Answer:
    """A batch that is being cancelled is `canceling`, and requests that are at work may be completed (docstring of `cancel`).

    How one that has ended is refused, the SDK does not tell: any 4xx that is not about our asking is a refusal.
    """
    if said := denied(response):
        return said
    if response.status in _NOT_CANCELLABLE and not read_trouble(response).about_source:
        return CancelRefused(response.status, str(read_envelope(response)))
    return read_about(response, job_id)


def read_denied(response: Response) -> Denied | Troubled:
    return denied(response) or read_trouble(response)


def read_about(response: Response, job_id: str | None) -> Observed | Troubled:
    """An answer about a batch, this very one where a `job_id` is given; or what is wrong with it."""
    document = document_of(response)
    if isinstance(document, Troubled):
        return document
    read = read_object(document)
    if isinstance(read, str):
        return Troubled(Trouble.UNREADABLE, read, response.status)
    if job_id is not None and read.job_id != job_id:
        return Troubled(Trouble.WRONG_JOB, f"the answer is about {read.job_id}", response.status)
    return Observed(read)


def _path(base_url: str, job_id: str) -> str:
    return f"{urlsplit(base_url).path.rstrip('/')}/messages/batches/{segment(job_id)}"
