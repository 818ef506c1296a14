"""Creating a batch (`batches.create` of the SDK): the rows go along as they stand.

A batch takes no idempotency key, no metadata and no webhook, so that a job whose create was not answered can be known by nothing.
What may have made one is not sent twice.
"""

from dataclasses import replace

from schemas.dialects.anthropic.errors import document_of, read_envelope, read_trouble
from schemas.dialects.anthropic.objects import KIND
from schemas.dialects.anthropic.questions import read_about
from schemas.dialects.orders import InputLimits, NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.identity import is_job_id
from schemas.readings import Observed, Question, Response, Troubled
from schemas.words import Trouble

_HEAD, _TAIL = b'{"requests":[', b"]}"
# "up to 100,000 requests and up to 256 MB in total size" (API reference, "Create a Message Batch"; the SDK names no bound).
LIMITS = InputLimits(file_bytes=256_000_000 - len(_HEAD + _TAIL), rows=100_000)
# About the account, and only where a batch is made: its spending, or the key that its data are encrypted with (docstring of
# `create`; those of `retrieve` and `list` have neither). It may be mended, and jobs can be asked about meanwhile.
_FOR_NOW = frozenset({"enforced_spend_limit_reached", "cmek_key_disabled"})


def create(base_url: str, new: NewJob) -> Question:
    """Send the rows, byte for byte."""
    rows = (line.strip() for line in new.rows.split(b"\n"))
    content = b"".join((_HEAD, b",".join(row for row in rows if row), _TAIL))
    return Question("POST", f"{base_url}/messages/batches", content=content)


def read_create(response: Response) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
    """Other 4xx leave nothing behind. After an error of its own, nobody knows: of an overloaded API (529) nobody says that it
    made nothing, and we take it that it may have."""
    if 200 <= response.status < 300:
        answer = read_about(response, None)
        return answer if isinstance(answer, Observed) else _unread(response, answer)
    trouble = read_trouble(response)
    if trouble.trouble is Trouble.GATEWAY:
        return SubmitUnclear(trouble.message)
    if read_envelope(response).code in _FOR_NOW:
        return SubmitLater(replace(trouble, about_source=False))
    # A redirect and a 404 are about the address, which may be mended.
    if trouble.about_source or response.status < 400 or response.status == 404:
        return SubmitLater(trouble)
    return SubmitRefused(response.status, trouble.message)


def _unread(response: Response, trouble: Troubled) -> SubmitUnclear:
    """A create that succeeded and told too little: its id, if there is one, is enough to ask about it."""
    document = document_of(response)
    job_id = None if isinstance(document, Troubled) else document.get("id")
    known = job_id if isinstance(job_id, str) and is_job_id(job_id) else None
    message = f"the create was answered without a readable batch: {trouble.message}"
    return SubmitUnclear(message, None if known is None else KIND, known)
