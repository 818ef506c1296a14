"""What we ask about jobs, and what the answers mean (contract 4, 7, 10)."""

from schemas.dialects.thunderbit.addresses import place_of, places
from schemas.dialects.thunderbit.errors import denied, document_of, read_envelope, read_trouble
from schemas.dialects.thunderbit.objects import job_id_of, read_answer
from schemas.readings import Accepted, CancelRefused, Denied, Observed, Question, Response, Troubled
from schemas.words import Trouble

_ABOUT_ASKING = frozenset({401, 402, 403, 408, 429})


def poll(base_url: str, job_id: str, polling_url: str | None, page_size: int) -> tuple[Question, ...]:
    """Ask for a job with its first rows. One that has not been seen yet is asked for at both endpoints."""
    return page(base_url, job_id, polling_url, "0", page_size)


def page(base_url: str, job_id: str, polling_url: str | None, number: str, page_size: int) -> tuple[Question, ...]:
    """Ask for a job with one page of its rows. Pages count from 0 (contract 4.2)."""
    return tuple(
        Question("GET", f"{url}?page={number}&pageSize={page_size}", mismatch=mismatch)
        for url, mismatch in places(base_url, job_id, polling_url)
    )


def read_poll(job_id: str, response: Response, asked: Question | None, page_size: int) -> Observed | Denied | Troubled:
    if said := denied(response):
        return said
    document = read_about(job_id, response)
    if isinstance(document, Troubled):
        return document
    read = read_answer(document, page_size, place_of(asked))
    if isinstance(read, str):
        return Troubled(Trouble.UNREADABLE, read, response.status)
    return Observed(read)


def read_about(job_id: str, response: Response) -> dict[str, object] | Troubled:
    """An answer about this very job (contract 4.2), or what is wrong with it."""
    document = document_of(response)
    if isinstance(document, Troubled):
        return document
    found = job_id_of(document)
    if found is None:
        return Troubled(Trouble.UNREADABLE, "the answer has no usable id", response.status)
    if found != job_id:
        return Troubled(Trouble.WRONG_JOB, f"the answer is about {found}", response.status)
    return document


def cancel(base_url: str, job_id: str, cancel_url: str | None) -> Question:
    """Ask to cancel. A job that has not been seen yet is taken for the first endpoint's; see `read_cancel`."""
    url, mismatch = places(base_url, job_id, cancel_url)[0]
    return Question("DELETE", url, mismatch=mismatch)


def read_cancel(response: Response) -> Accepted | CancelRefused | Troubled:
    """Whatever is answered, the job's status has the next word (contract 7).

    That there is no such job may be because it is the other endpoint's, or was made a moment ago (contract 10): so the cancel
    is not lost on that, but sent again. A poll finds meanwhile where the job stands, or that it has ended.
    """
    if said := denied(response):
        return Troubled(Trouble.NOT_FOUND, f"{said.message}; the cancel is sent again", response.status)
    if 400 <= response.status < 500 and response.status not in _ABOUT_ASKING:
        return CancelRefused(response.status, str(read_envelope(response)))
    if response.status == 204 or (200 <= response.status < 300 and not response.body.strip()):
        return Accepted()
    document = document_of(response) if 200 <= response.status < 300 else read_trouble(response)
    return document if isinstance(document, Troubled) else Accepted()
