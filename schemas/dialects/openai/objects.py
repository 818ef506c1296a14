"""OpenAI's batch object, read into an observation (`types/batch.py` of the SDK): the same from create, retrieve, cancel and list.

Every member may be missing, null or new; a member of a wrong type reads as missing. Only an id and a status are
indispensable. What has no member of its own in an observation is kept as it stands, to be shown.
"""

from collections.abc import Mapping
from typing import Any

from schemas.dialects.members import count, file_id, first, mapping, plain, read_time, sequence, text
from schemas.dialects.openai.status import read_status
from schemas.dialects.progress import progress_of
from schemas.identity import SUBMISSION_TOKEN, is_job_id
from schemas.readings import Observation, RowCounts
from schemas.texts import clean
from schemas.words import Status

KIND = "batch"
MOST_METADATA, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512  # what OpenAI takes (`types/batch_create_params.py`)

_ENDED_AT = {
    Status.COMPLETED: "completed_at",
    Status.FAILED: "failed_at",
    Status.EXPIRED: "expired_at",
    Status.CANCELLED: "cancelled_at",
}
_READ = frozenset(
    {
        "id",
        "object",
        "status",
        "request_counts",
        "created_at",
        "expires_at",
        "output_file_id",
        "error_file_id",
        "input_file_id",
        "endpoint",
        "model",
        "completion_window",
        "errors",
        "metadata",
        "usage",
    }
)


def read_object(document: Mapping[str, Any]) -> Observation | str:
    """Read a batch, or say what is wrong with it. Expired and cancelled ones may have files, too: of what was done by then."""
    job_id, native = document.get("id"), document.get("status")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        return "the answer has no usable id"
    status = read_status(native)
    if status is None:
        return "the answer has no status"
    counts, metadata = _counts(document.get("request_counts")), mapping(document.get("metadata"))
    code, message = _error(document.get("errors"))
    return Observation(
        kind=KIND,
        job_id=job_id,
        status=status,
        native_status=text(native),
        progress=progress_of(status, counts),
        counts=counts,
        created_at=read_time(document.get("created_at")),
        ended_at=_ended_at(document, status),
        expires_at=read_time(document.get("expires_at")),
        output_file_id=file_id(document.get("output_file_id")),
        error_file_id=file_id(document.get("error_file_id")),
        input_file_id=file_id(document.get("input_file_id")),
        endpoint=text(document.get("endpoint")),
        model=text(document.get("model")),
        completion_window=text(document.get("completion_window"), 64),
        error_code=code,
        error_message=message,
        submission=text(metadata.get(SUBMISSION_TOKEN)),
        metadata=_metadata(metadata),
        usage=plain(mapping(document.get("usage"))),
        more=plain(document, _READ),
    )


def _ended_at(document: Mapping[str, Any], status: Status) -> int | None:
    """The time under the name of its end; a batch that was being cancelled may have others."""
    if status not in _ENDED_AT:
        return None
    names = (_ENDED_AT[status], *_ENDED_AT.values())
    return first(*(read_time(document.get(name)) for name in names))


def _counts(value: Any) -> RowCounts:
    counts = mapping(value)
    return RowCounts(*(count(counts.get(name)) for name in ("total", "completed", "failed")))


def _metadata(given: Mapping[str, Any]) -> dict[str, object]:
    entries = list(given.items())[: 2 * MOST_METADATA]
    return {clean(key, LONGEST_KEY): clean(told, LONGEST_VALUE) for key, told in entries if isinstance(told, str)}


def _error(errors: Any) -> tuple[str | None, str | None]:
    """The first of `errors.data`, as code and message, with the line of the input file that it is about."""
    for error in sequence(mapping(errors).get("data")):
        if isinstance(error, dict):
            line, message = count(error.get("line")), text(error.get("message"), 1000)
            return text(error.get("code")), f"line {line}: {message}" if line and message else message
    return None, None
