"""What a provider is asked about a job, and what its answers mean, by the options."""

from collections.abc import Mapping
from typing import Any

from schemas.dialects.members import count, text
from schemas.dialects.progress import progress_of
from schemas.dialects.standard.errors import read_denied, read_trouble, words_of
from schemas.dialects.standard.options import BEARER, HEADER, Options
from schemas.dialects.standard.paths import at, identifier
from schemas.dialects.standard.statuses import read_status
from schemas.dialects.standard.urls import url_of
from schemas.readings import (
    Accepted,
    Answer,
    CancelRefused,
    Denied,
    KeyFails,
    KeyWorks,
    Observation,
    Observed,
    Question,
    Response,
    RowCounts,
    Troubled,
)
from schemas.strict_json import NotStrictJson, parse_object
from schemas.words import Status, Trouble

NOBODYS = "00000000-0000-4000-8000-000000000000"  # in the form that most ids have, and no job is called so
_ASK_ANOTHER = (
    "it may only dislike the id of the job that it was asked about to see: track one that exists, and look at that"
)
_KEY_NOTE = "it was not refused when a job was asked about that nobody has, and no more than that can be told"


def headers(api_key: str, options: Options) -> Mapping[str, str]:
    if options.auth == BEARER:
        return {"authorization": f"Bearer {api_key}"}
    return {options.auth.removeprefix(HEADER).lower(): api_key}


def poll(base_url: str, job_id: str, options: Options) -> tuple[Question, ...]:
    if not options.status_url:
        return ()
    return (Question("GET", url_of(options.status_url, base_url, job_id)),)


def cancel(base_url: str, job_id: str, options: Options) -> Question | None:
    if not options.cancel_url:
        return None
    return Question(options.cancel_method, url_of(options.cancel_url, base_url, job_id))


def read_poll(job_id: str, response: Response, options: Options) -> Observed | Denied | Troubled:
    if not 200 <= response.status < 300:
        return read_denied(response) or read_trouble(response)
    try:
        document = parse_object(response.body, any_text=True)
    except NotStrictJson as error:
        return Troubled(Trouble.UNREADABLE, f"the answer is not readable: {error}", response.status)
    if options.poll_job:
        named = identifier(at(document, options.poll_job))
        if named is None:
            message = f"no usable id stands at {options.poll_job} of the answer; is poll_job right?"
            return Troubled(Trouble.UNREADABLE, message, response.status)
        if named != job_id:
            return Troubled(Trouble.WRONG_JOB, f"the answer is about {named}", response.status)
    return _observed(job_id, document, response, options)


def read_cancel(response: Response) -> Answer:
    """Whatever a success says of the job, nobody knows in which form: its status is asked for."""
    if 200 <= response.status < 300:
        return Accepted()
    if denied := read_denied(response):
        return denied
    if response.status in (400, 405, 409, 422):
        return CancelRefused(response.status, words_of(response))
    return read_trouble(response)


def check_key(base_url: str, options: Options) -> tuple[Question, ...]:
    return poll(base_url, NOBODYS, options)


def read_key(response: Response, options: Options) -> KeyWorks | KeyFails:
    """Who asks is looked at before what is asked for, so a denial in JSON is as good as can be had."""
    answer = read_poll(NOBODYS, response, options)
    if isinstance(answer, Troubled):
        is_about_id = answer.trouble is Trouble.REQUEST and response.status in (400, 422)
        return KeyFails(answer, _ASK_ANOTHER if is_about_id else None)
    return KeyWorks(_KEY_NOTE)


def _observed(job_id: str, document: Mapping[str, Any], response: Response, options: Options) -> Observed | Troubled:
    native = at(document, options.poll_status)
    if not isinstance(native, str) or not native:
        message = f"no status word stands at {options.poll_status} of the answer; is poll_status right?"
        return Troubled(Trouble.UNREADABLE, message, response.status)
    # A word that nobody has explained is no end.
    status = read_status(options.words, native) or Status.PENDING
    counts = RowCounts(
        *(
            None if path is None else count(at(document, path))
            for path in (options.counts_total, options.counts_completed, options.counts_failed)
        )
    )
    error = None if options.error_message is None else text(at(document, options.error_message), 1000)
    return Observed(
        Observation(
            kind=options.kind,
            job_id=job_id,
            status=status,
            native_status=text(native),
            progress=progress_of(status, counts),
            counts=counts,
            error_message=error,
            writes_files=False,
        )
    )
