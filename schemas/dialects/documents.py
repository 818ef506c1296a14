"""What several providers answer in the same form: a JSON document about a job, a file or a webhook endpoint."""

from collections.abc import Callable
from typing import Any

from schemas.identity import is_job_id
from schemas.readings import FileExists, Observation, Observed, Response, Troubled, Uploaded, WebhookEndpoint
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Trouble


def document_of(response: Response) -> dict[str, Any] | Troubled:
    """The object that an answer holds."""
    try:
        return parse_object(response.body, any_text=True)
    except NotStrictJson as error:
        return Troubled(Trouble.UNREADABLE, f"the answer is not readable: {error}", response.status)


def job_of(
    response: Response, job_id: str | None, read: Callable[[dict[str, Any]], Observation | str]
) -> Observed | Troubled:
    """The job that a good answer is about. None for `job_id`: of a job that has just been made, nobody knows it yet."""
    document = document_of(response)
    if isinstance(document, Troubled):
        return document
    found = read(document)
    if isinstance(found, str):
        return Troubled(Trouble.UNREADABLE, found, response.status)
    if job_id is not None and found.job_id != job_id:
        return Troubled(Trouble.WRONG_JOB, f"the answer is about {found.job_id}", response.status)
    return Observed(found)


def id_of(response: Response) -> str | None:
    """The id that an answer names, if it can be used; of one that is good for nothing else, it may be enough."""
    document = document_of(response)
    found = None if isinstance(document, Troubled) else document.get("id")
    return found if isinstance(found, str) and is_job_id(found) else None


def file_of(response: Response, file_id: str) -> FileExists | Troubled:
    """The record of a file, from a good answer: with its size, where that is told and can be one."""
    document = document_of(response)
    if isinstance(document, Troubled):
        return document
    if document.get("id") != file_id:
        return Troubled(Trouble.WRONG_JOB, "the answer is about another file", response.status)
    size = document.get("bytes")
    is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 53
    return FileExists(file_id, size if is_size else None)


def uploaded(response: Response) -> Uploaded | Troubled:
    """The id that a good answer gives to an upload."""
    document = document_of(response)
    if isinstance(document, Troubled):
        return document
    file_id = document.get("id")
    if not isinstance(file_id, str) or not is_job_id(file_id):
        return Troubled(Trouble.UNREADABLE, "the upload was answered without a usable file id", response.status)
    return Uploaded(file_id)


def endpoints_of(
    response: Response, endpoint: Callable[[object], WebhookEndpoint | None], least: str
) -> tuple[WebhookEndpoint, ...] | Troubled:
    """The endpoints that a good answer shows, one or a list of them; `least` is what each has to be shown with."""
    document = document_of(response)
    if isinstance(document, Troubled):
        return document
    listed = document.get("data", [document])
    read = [endpoint(entry) for entry in listed] if isinstance(listed, list) else [None]
    found = tuple(one for one in read if one is not None)
    if len(found) < len(read):
        return Troubled(Trouble.UNREADABLE, f"an endpoint is shown without {least}", response.status)
    return found
