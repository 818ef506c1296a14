"""Phaseo's objects of a job, read into an observation: as REST shows it, as its list does, and as webhooks and sockets push
it (contract 3.1, 3.9, 3.10, 4.5), in every generation.

Every member may be missing, null or new; a member of a wrong type reads as missing. Only an id and some word of status
are indispensable. What has no member of its own in an observation is kept as it stands, to be shown.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.dialects.members import count, file_id, first, mapping, plain, read_time, sequence, text, url
from schemas.dialects.phaseo import billing
from schemas.dialects.phaseo.account import read_account
from schemas.dialects.phaseo.status import read_progress, read_status
from schemas.dialects.progress import progress_of
from schemas.identity import SUBMISSION_TOKEN, is_job_id
from schemas.readings import NamedOutput, Observation, RowCounts
from schemas.texts import clean
from schemas.words import OutputRole, Status

# Contract 2.5: their results are pulled natively and never exposed as a file.
_WITHOUT_FILES = frozenset({"anthropic", "google-ai-studio", "x-ai"})
_ENDED_AT = ("completed_at", "failed_at", "expired_at", "cancelled_at")
_MOST_LINES = 50

# A link that whoever holds it can use: it is a secret, and changes with every look (contract 4.5).
_NEVER_KEPT = frozenset({"download_url"})
# They move while nothing happens to the job, so that two looks at one state of it would seem to differ.
_BOOKKEEPING = frozenset({"updated_at", "last_polled_at", "polled_status", "last_reconciled_at"})
_READ = frozenset(
    {
        "id",
        "object",
        "kind",
        "status",
        "lifecycle_status",
        "progress",
        "request_counts",
        "created_at",
        "output_file_id",
        "error_file_id",
        "input_file_id",
        "endpoint",
        "provider",
        "native_batch_id",
        "native_id",
        "request_id",
        "session_id",
        "model",
        "completion_window",
        "polling_url",
        "cancel_url",
        "websocket_url",
        "errors",
        "upstream_error",
        "error",
        "webhook",
        "metadata",
        "billing",
        "pricing_lines",
        "usage",
    }
)


def read_object(document: Mapping[str, Any], kind: str) -> Observation | str:
    """Read a job as get, create, cancel, list, webhook or socket show it, or say what is wrong with it."""
    job_id, native = document.get("id"), document.get("status")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        return "the answer has no usable id"
    status = read_status(native, document.get("lifecycle_status"), kind)
    if status is None:
        if not isinstance(native, str) or not native:
            return "the answer has no status"
        status = Status.PENDING  # as the gateway itself reads a word that it does not know
    counts = _counts(document.get("request_counts"))
    provider, code, message = text(document.get("provider")), *_error(document)
    return Observation(
        kind=kind,
        job_id=job_id,
        status=status,
        native_status=text(native),
        progress=first(read_progress(document.get("progress")), progress_of(status, counts)),
        counts=counts,
        created_at=read_time(document.get("created_at")),
        ended_at=first(*(read_time(document.get(name)) for name in _ENDED_AT)),
        expires_at=read_time(document.get("expires_at")) if kind == "batch" else None,  # a video's link expires, not it
        output_file_id=file_id(document.get("output_file_id")),
        error_file_id=file_id(document.get("error_file_id")),
        writes_files=kind == "batch" and provider not in _WITHOUT_FILES,
        outputs=tuple(_outputs(document, kind, job_id, status, provider)),
        input_file_id=file_id(document.get("input_file_id")),
        endpoint=text(document.get("endpoint")),
        provider=provider,
        native_id=text(document.get("native_batch_id")) or text(document.get("native_id")),
        request_id=text(document.get("request_id")),
        session_id=text(document.get("session_id")),
        model=text(document.get("model")),
        completion_window=text(document.get("completion_window"), 64),
        polling_url=url(document.get("polling_url")),
        cancel_url=url(document.get("cancel_url")),
        websocket_url=url(document.get("websocket_url")),
        error_code=code,
        error_message=message,
        account=read_account(document.get("webhook")),
        submission=text(mapping(document.get("metadata")).get(SUBMISSION_TOKEN)),
        metadata=_metadata(document.get("metadata")),
        billing=billing.read_billing(document.get("billing")),
        pricing_lines=tuple(
            plain(line) for line in sequence(document.get("pricing_lines"))[:_MOST_LINES] if isinstance(line, dict)
        ),
        usage=plain(mapping(document.get("usage"))),
        bookkeeping=plain({name: document.get(name) for name in sorted(_BOOKKEEPING)}),
        more=_more(document, kind),
    )


def _outputs(
    document: Mapping[str, Any], kind: str, job_id: str, status: Status, provider: str | None
) -> Iterator[NamedOutput]:
    """What a completed video is, and the results of a batch whose provider writes no files (contract 3.6, 4.5)."""
    if status is not Status.COMPLETED:
        return
    if kind == "video" and url(document.get("content_url")):
        yield NamedOutput(OutputRole.CONTENT, job_id)
    if kind == "batch" and provider in _WITHOUT_FILES and url(document.get("results_url")):
        yield NamedOutput(OutputRole.RESULTS, job_id)


def _more(document: Mapping[str, Any], kind: str) -> dict[str, object]:
    elsewhere = _READ | _NEVER_KEPT | _BOOKKEEPING | ({"expires_at"} if kind == "batch" else frozenset())
    bill = plain(mapping(document.get("billing")), billing.READ)
    return {
        **plain(document, elsewhere),
        **{f"billing.{name}": value for name, value in bill.items()},
    }


def _metadata(value: Any) -> dict[str, object]:
    """As they were given: texts of up to 512 characters, of which the gateway takes 16 (contract 3.1)."""
    entries = list(mapping(value).items())[:32]
    return {clean(name, 64): clean(told, 512) for name, told in entries if isinstance(told, str)}


def _counts(value: Any) -> RowCounts:
    counts = mapping(value)
    return RowCounts(*(count(counts.get(name)) for name in ("total", "completed", "failed")))


def _error(document: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The first error that the job tells of: `errors.data[0]` or `error` of the provider, `upstream_error` of the gateway."""
    errors = document.get("errors")
    listed = sequence(errors.get("data") if isinstance(errors, dict) else errors)
    for error in (*listed, document.get("error"), document.get("upstream_error")):
        if isinstance(error, dict):
            return text(error.get("code")), text(error.get("message"), 1000)
    return None, None
