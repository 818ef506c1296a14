"""What OpenAI is asked about batches and files, and what its answers mean (contract 2; `resources/batches.py` and
`resources/files.py` of the SDK)."""

from urllib.parse import urlsplit

from schemas.dialects.documents import file_of, id_of, job_of, uploaded
from schemas.dialects.openai.errors import read_envelope, read_trouble
from schemas.dialects.openai.objects import KIND, read_object
from schemas.dialects.orders import InputLimits, NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.dialects.urls import follow, segment
from schemas.readings import Answer, CancelRefused, Denied, FileExists, Observed, Question, Response, Troubled, Uploaded
from schemas.words import Trouble

# "Up to 50,000 requests, and up to 200 MB in size" (docstring of `batches.create`).
LIMITS = InputLimits(file_bytes=200_000_000, rows=50_000)
ONLY_WINDOW = "24h"  # the one completion window that there is, and it has to be named (same docstring)


def poll(base_url: str, job_id: str, polling_url: str | None) -> Question:
    """Ask for one batch. OpenAI offers no URLs; one that was offered all the same is followed only if it is our own."""
    url, mismatch = follow(base_url, polling_url, [_path(base_url, job_id)])
    return Question("GET", url, mismatch=mismatch)


def cancel(base_url: str, job_id: str, cancel_url: str | None) -> Question:
    url, mismatch = follow(base_url, cancel_url, [f"{_path(base_url, job_id)}/cancel"])
    return Question("POST", url, mismatch=mismatch)


def file(base_url: str, file_id: str) -> Question:
    return Question("GET", f"{base_url}/files/{segment(file_id)}")


def content(base_url: str, file_id: str) -> Question:
    return Question("GET", f"{base_url}/files/{segment(file_id)}/content")


def upload(base_url: str) -> Question:
    return Question("POST", f"{base_url}/files")


def create(base_url: str, new: NewJob) -> Question:
    """A batch says nothing of webhooks: its news goes to whatever endpoint is registered for the project."""
    body: dict[str, object] = {
        "input_file_id": new.input_file_id,
        "completion_window": new.completion_window or ONLY_WINDOW,
        "metadata": dict(new.metadata),
    }
    if new.endpoint:
        body["endpoint"] = new.endpoint
    return Question("POST", f"{base_url}/batches", body)


def read_poll(job_id: str, response: Response) -> Answer:
    return _denied(response) or _read_job(response, job_id)


def read_cancel(job_id: str, response: Response) -> Answer:
    """A batch that is being cancelled stays `cancelling` for up to ten minutes (docstring of `batches.cancel`)."""
    if denied := _denied(response):
        return denied
    envelope = read_envelope(response)
    if response.status in (400, 404, 405, 409, 410, 422) and not envelope.is_about_address:
        return CancelRefused(response.status, str(envelope))
    return _read_job(response, job_id)


def read_file(file_id: str, response: Response) -> FileExists | Denied | Troubled:
    if not 200 <= response.status < 300:
        return read_denied(response)
    return file_of(response, file_id)


def read_denied(response: Response) -> Denied | Troubled:
    return _denied(response) or read_trouble(response)


def read_upload(response: Response) -> Uploaded | SubmitRefused | SubmitLater | Troubled:
    if not 200 <= response.status < 300:
        trouble = read_trouble(response)
        is_final = trouble.trouble is Trouble.REQUEST and 400 <= response.status < 500
        return SubmitRefused(response.status, str(read_envelope(response))) if is_final else trouble
    return uploaded(response)


def read_create(response: Response) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
    """What OpenAI refuses leaves nothing behind. After an error of its own, nobody knows."""
    if 200 <= response.status < 300:
        answer = _read_job(response, None)
        return answer if isinstance(answer, Observed) else _unread(response, answer)
    trouble = read_trouble(response)
    if trouble.about_source:
        return SubmitLater(trouble)
    if trouble.trouble is Trouble.GATEWAY:
        return SubmitUnclear(trouble.message)
    return SubmitRefused(response.status, trouble.message)


def _unread(response: Response, trouble: Troubled) -> SubmitUnclear:
    """A create that succeeded and told too little: its id, if there is one, is enough to ask about it."""
    known = id_of(response)
    message = f"the create was answered without a readable batch: {trouble.message}"
    return SubmitUnclear(message, None if known is None else KIND, known)


def _read_job(response: Response, job_id: str | None) -> Observed | Troubled:
    if not 200 <= response.status < 300:
        return read_trouble(response)
    return job_of(response, job_id, read_object)


def _denied(response: Response) -> Denied | None:
    """A 404 in OpenAI's own form, about the thing and not about the address: this account has no such batch or file."""
    if response.status != 404:
        return None
    envelope = read_envelope(response)
    return None if envelope.is_about_address else Denied(str(envelope))


def _path(base_url: str, job_id: str) -> str:
    return f"{urlsplit(base_url).path.rstrip('/')}/batches/{segment(job_id)}"
