"""Anthropic's message batch, read into an observation (`types/messages/message_batch.py` of the SDK): the same from create,
retrieve, cancel and list.

An id, a status, and at the end the counts are indispensable; any other member may be missing, null or new. What has no member
of its own in an observation is kept as it stands, to be shown: `results_url` too, which is not followed.
"""

from collections.abc import Mapping
from typing import Any

from schemas.dialects.anthropic.status import read_status, read_tally
from schemas.dialects.members import plain, read_time, text
from schemas.dialects.progress import progress_of
from schemas.identity import is_job_id
from schemas.readings import NamedOutput, Observation
from schemas.words import OutputRole, Status

KIND = "batch"
ENDPOINT = "/v1/messages"
_READ = frozenset({"id", "type", "processing_status", "created_at", "ended_at", "expires_at"})
_WITHOUT_SUCCESS = frozenset({Status.FAILED, Status.EXPIRED})


def read_object(document: Mapping[str, Any]) -> Observation | str:
    """Read a batch, or say what is wrong with it. However it ended, there are results: a row for each request."""
    job_id, native = document.get("id"), document.get("processing_status")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        return "the answer has no usable id"
    if not isinstance(native, str) or not native:
        return "the answer has no processing_status"
    tally = read_tally(document.get("request_counts"))
    status = read_status(native, tally)
    if status is None:
        return "the batch has ended, and its request_counts do not tell how"
    counts = tally.counts(status.is_terminal)
    return Observation(
        kind=KIND,
        job_id=job_id,
        status=status,
        native_status=text(native),
        progress=progress_of(status, counts) if status.is_terminal else None,
        counts=counts,
        created_at=read_time(document.get("created_at")),
        ended_at=read_time(document.get("ended_at")),
        expires_at=read_time(document.get("expires_at")),
        writes_files=False,
        outputs=(NamedOutput(OutputRole.RESULTS, job_id),) if status.is_terminal else (),
        endpoint=ENDPOINT,
        error_message=f"no request succeeded: {tally}" if status in _WITHOUT_SUCCESS else None,
        more=plain(document, _READ),
    )
