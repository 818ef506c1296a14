"""Thunderbit's jobs, read into an observation: as create and status answers show them, and as webhooks do (contract 3, 4.2, 9.1).

Every member may be missing, of a wrong type or new. Only an id and some word of status are indispensable.
"""

from collections.abc import Mapping
from typing import Any

from schemas.dialects.members import plain, read_time, text
from schemas.dialects.thunderbit.addresses import endpoint_of
from schemas.dialects.thunderbit.rows import counts_of, error_of, has_begun
from schemas.dialects.thunderbit.status import progress_of, read_status
from schemas.identity import is_job_id
from schemas.readings import NamedOutput, Observation
from schemas.words import OutputRole, Status

KIND = "batch"  # of either endpoint: the older webhook does not tell which
_READ = frozenset(
    {
        "id",
        "job_id",
        "status",
        "total",
        "completed",
        "failed",
        "results",
        "createdAt",
        "completedAt",
        "error",
        "errorCode",
    }
)


def unwrapped(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The job in an answer: its `data`, or the whole of it (contract 3)."""
    data = document.get("data")
    return data if isinstance(data, dict) else document


def job_id_of(document: Mapping[str, Any]) -> str | None:
    """The job's id, in the four places where the vendor's own client looks (contract 3); None: it is nowhere, or unusable."""
    told = (part.get(name) for part in (unwrapped(document), document) for name in ("id", "job_id"))
    found = next((value for value in told if value is not None), None)
    return found if isinstance(found, str) and is_job_id(found) else None


def read_answer(document: Mapping[str, Any], page_size: int, place: str | None) -> Observation | str:
    """A job with the first page of its rows, as it stands at `place`; or what is wrong with it."""
    job_id, job = job_id_of(document), unwrapped(document)
    if job_id is None:
        return "the answer has no usable id"
    if text(job.get("status")) is None:
        return "the answer has no status"
    return read_object(job_id, job, page_size, place)


def read_object(job_id: str, job: Mapping[str, Any], page_size: int, place: str | None = None) -> Observation:
    """A job. What has no status yet, or one that nobody has explained, is open."""
    counts, native = counts_of(job, page_size), job.get("status")
    begun = has_begun(job, counts)
    status = read_status(native, begun) or (Status.RUNNING if begun else Status.PENDING)
    code, message = error_of(job)
    shows_rows = status is Status.COMPLETED or (status.is_terminal and begun)
    return Observation(
        kind=KIND,
        job_id=job_id,
        status=status,
        native_status=text(native),
        progress=progress_of(status, counts),
        counts=counts,
        created_at=read_time(job.get("createdAt")),
        ended_at=read_time(job.get("completedAt")),
        writes_files=False,
        outputs=(NamedOutput(OutputRole.RESULTS, job_id),) if shows_rows else (),
        endpoint=endpoint_of(place),
        polling_url=place,
        cancel_url=place,  # asked with another method (contract 7)
        error_code=code,
        error_message=message,
        more=plain(job, _READ),
    )
