"""What we ask the gateway, and what its answers mean (contract 2.2, 3.1 to 3.4).

A single batch is asked for without any query string: the gateway cuts the id from the raw URL, and a query makes it a 404.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from schemas.dialects.documents import file_of, id_of, job_of, uploaded
from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear, Webhook
from schemas.dialects.phaseo.errors import Envelope, read_envelope, read_trouble
from schemas.dialects.phaseo.objects import read_object
from schemas.dialects.urls import follow, segment
from schemas.identity import is_job_id
from schemas.readings import Answer, CancelRefused, Denied, FileExists, Observed, Question, Response, Troubled, Uploaded
from schemas.times import DAY, HOUR
from schemas.words import OutputRole, Trouble

# Under which paths a job of each kind is found, the usual one first; the others are full aliases of it (contract 1.1).
TREES: Mapping[str, Sequence[str]] = {"batch": ("batches", "batch"), "video": ("videos", "video/generations")}
# 20 MiB for the whole form of an upload (contract 2.2), of which this much is left to the form itself.
LARGEST_INPUT = 20_971_520 - 4_096
_QUOTAS = {"batch_file_hourly_quota_exceeded": HOUR, "batch_file_daily_bytes_exceeded": DAY}
_KEY_CODES = frozenset({401, 403, 408, 429})  # passed on, they are about the gateway's own account: worth another try


def poll(base_url: str, kind: str, job_id: str, polling_url: str | None) -> Question:
    """Ask for one job at its `polling_url`, as far as that can be trusted. Its native id is good for no question."""
    url, mismatch = follow(base_url, polling_url, _paths(base_url, kind, job_id))
    return Question("GET", url, mismatch=mismatch)


def cancel(base_url: str, kind: str, job_id: str, cancel_url: str | None) -> Question:
    """Ask to cancel. A missing `cancel_url` never prevents it: it is null while finalizing, and the provider decides."""
    paths = [f"{path}/cancel" for path in _paths(base_url, kind, job_id)]
    url, mismatch = follow(base_url, cancel_url, paths)
    return Question("POST", url, mismatch=mismatch)


def file(base_url: str, file_id: str) -> Question:
    return Question("GET", f"{base_url}/files/{segment(file_id)}")


def content(base_url: str, kind: str, job_id: str, role: OutputRole, file_id: str) -> Question:
    """A file's content (contract 2.1), a batch's results in one stream (3.6), or what a video is (4.5)."""
    if role in (OutputRole.OUTPUT, OutputRole.ERROR):
        return Question("GET", f"{base_url}/files/{segment(file_id)}/content")
    what = "results" if role is OutputRole.RESULTS else "content"
    return Question("GET", f"{base_url}/{TREES[kind][0]}/{segment(job_id)}/{what}")


def upload(base_url: str) -> Question:
    return Question("POST", f"{base_url}/files")


def create(base_url: str, new: NewJob) -> Question:
    body: dict[str, object] = {"input_file_id": new.input_file_id, "metadata": dict(new.metadata)}
    if new.endpoint:
        body["endpoint"] = new.endpoint
    if new.completion_window:
        body["completion_window"] = new.completion_window
    if new.webhook:
        body["webhook"] = _webhook(new.webhook)
    return Question("POST", f"{base_url}/batches", body)


def read_poll(kind: str, job_id: str, response: Response) -> Answer:
    if response.status == 404 and (denied := _denied(kind, job_id, read_envelope(response))):
        return denied
    return _read_job(response, kind, job_id)


def read_cancel(kind: str, job_id: str, response: Response) -> Answer:
    if 200 <= response.status < 300:
        return _read_job(response, kind, job_id)
    envelope = read_envelope(response)
    if response.status == 404 and (denied := _denied(kind, job_id, envelope)):
        return denied
    if response.status == 501 and not envelope.is_passed_on:
        return CancelRefused(501, str(envelope), cannot=True)
    is_about_job = (
        response.status not in _KEY_CODES
        if envelope.is_passed_on
        else response.status in (400, 404, 405, 409, 410, 422)
    )
    if 400 <= response.status < 500 and is_about_job and envelope.form != "text":
        return CancelRefused(response.status, str(envelope))
    return read_trouble(response)


def read_file(file_id: str, response: Response) -> FileExists | Denied | Troubled:
    if not 200 <= response.status < 300:
        return read_denied(response)
    return file_of(response, file_id)


def read_denied(response: Response) -> Denied | Troubled:
    """Only the gateway's own envelope denies a file or a job; a 404 that is passed on is the provider's (contract 2.4)."""
    envelope = read_envelope(response)
    if response.status == 404 and envelope.form == "flat" and envelope.code == "not_found":
        return Denied(str(envelope))
    return read_trouble(response)


def read_upload(response: Response) -> Uploaded | SubmitRefused | SubmitLater | Troubled:
    if not 200 <= response.status < 300:
        return _not_uploaded(response)
    return uploaded(response)


def read_create(response: Response) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
    """Two answers leave a batch behind that may be alive (contract 3.1): both are 502 and name it in `error.batch_id`.

    What the gateway itself says about our key leaves none. The same status from the provider does: a failed one.
    """
    if 200 <= response.status < 300:
        answer = _read_job(response, "batch", None)
        return answer if isinstance(answer, Observed) else _unread(response, answer)
    if response.status >= 500:
        envelope = read_envelope(response)
        return _unclear(f"HTTP {response.status}: {envelope}", envelope.about)
    envelope = read_envelope(response)
    trouble = read_trouble(response)
    if envelope.form == "flat" and (trouble.about_source or response.status == 401):
        return SubmitLater(trouble)
    return SubmitRefused(response.status, str(envelope))


def _unread(response: Response, trouble: Troubled) -> SubmitUnclear:
    """A create that succeeded and told too little: its id, if there is one, is enough to ask about it."""
    return _unclear(f"the create was answered without a readable batch: {trouble.message}", id_of(response))


def _unclear(message: str, job_id: object) -> SubmitUnclear:
    known = job_id if isinstance(job_id, str) and is_job_id(job_id) else None
    return SubmitUnclear(message, None if known is None else "batch", known)


def _not_uploaded(response: Response) -> SubmitRefused | SubmitLater | Troubled:
    troubled = read_trouble(response)
    window = _QUOTAS.get(read_envelope(response).reason)
    if window is not None and response.status == 429:
        return SubmitLater(troubled, window)
    if troubled.trouble in (Trouble.REQUEST, Trouble.UPSTREAM) and 400 <= response.status < 500:
        return SubmitRefused(response.status, str(read_envelope(response)))
    return troubled


def _read_job(response: Response, kind: str, job_id: str | None) -> Observed | Troubled:
    if not 200 <= response.status < 300:
        return read_trouble(response)
    return job_of(response, job_id, lambda document: read_object(document, kind))


def _denied(kind: str, job_id: str, envelope: Envelope) -> Denied | None:
    """Only this envelope, about this very id, denies the job: an E3 404 is the provider's, a text 404 a wrong path.

    The contract names the reason for batches alone; of a video the gateway's own word that it is not found has to do.
    """
    said = envelope.reason == "batch_not_found_or_not_owned" if kind == "batch" else envelope.code == "not_found"
    if envelope.form != "flat" or not said:
        return None
    return Denied(str(envelope)) if envelope.about in ("", job_id) else None


def _paths(base_url: str, kind: str, job_id: str) -> list[str]:
    root = urlsplit(base_url).path.rstrip("/")
    return [f"{root}/{tree}/{segment(job_id)}" for tree in TREES[kind]]


def _webhook(webhook: Webhook) -> dict[str, object]:
    said = {"endpoint_id": webhook.endpoint_id, "url": webhook.url, "secret": webhook.secret}
    return {"events": list(webhook.events), **{name: value for name, value in said.items() if value}}
