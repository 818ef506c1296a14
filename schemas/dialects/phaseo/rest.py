"""Phaseo's REST object of a batch (contract 3.1, 3.9, 3.10, 5), read into an observation.

Every member may be missing, null or new; a member of a wrong type reads as missing. Only an id and some word of status
are indispensable.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dialects.phaseo.status import progress_of, read_progress, read_status
from schemas.identity import SUBMISSION_TOKEN, is_delivery_key, is_job_id
from schemas.readings import Account, Attempt, Observation, RowCounts
from schemas.texts import clean
from schemas.times import SECOND, parse_rfc3339
from schemas.words import AttemptOutcome, Status

# Contract 2.5: their results are pulled natively and never exposed as a file.
_WITHOUT_FILES = frozenset({"anthropic", "google-ai-studio", "x-ai"})
_ENDED_AT = ("completed_at", "failed_at", "expired_at", "cancelled_at")
_OUTCOMES = {
    "delivered": AttemptOutcome.DELIVERED,
    "scheduled_retry": AttemptOutcome.RETRYING,
    "failed_permanently": AttemptOutcome.GIVEN_UP,
}
_TIMED_OUT = "Webhook request timed out"  # contract 4.7
_PREVIEW = 500
_MAX_COUNT = 1 << 53


def read_object(document: Mapping[str, Any]) -> Observation | str:
    """Read a batch as get, create and cancel return it, or say what is wrong with it."""
    job_id, native = document.get("id"), document.get("status")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        return "the answer has no usable id"
    status = read_status(native, document.get("lifecycle_status"))
    if status is None:
        if not isinstance(native, str) or not native:
            return "the answer has no status"
        status = Status.PENDING  # as the gateway itself reads a word that it does not know
    counts = _counts(document.get("request_counts"))
    provider, code, message = _text(document.get("provider")), *_error(document)
    return Observation(
        kind="batch",
        job_id=job_id,
        status=status,
        native_status=_text(native),
        progress=_first(read_progress(document.get("progress")), progress_of(status, counts)),
        counts=counts,
        created_at=read_time(document.get("created_at")),
        ended_at=_first(*(read_time(document.get(name)) for name in _ENDED_AT)),
        expires_at=read_time(document.get("expires_at")),
        output_file_id=_file_id(document.get("output_file_id")),
        error_file_id=_file_id(document.get("error_file_id")),
        writes_files=provider not in _WITHOUT_FILES,
        input_file_id=_file_id(document.get("input_file_id")),
        endpoint=_text(document.get("endpoint")),
        provider=provider,
        native_id=_text(document.get("native_batch_id")),
        request_id=_text(document.get("request_id")),
        polling_url=_url(document.get("polling_url")),
        cancel_url=_url(document.get("cancel_url")),
        error_code=code,
        error_message=message,
        submission=_text(_object(document.get("metadata")).get(SUBMISSION_TOKEN)),
        account=_account(document.get("webhook")),
        billing=_billing(document.get("billing")),
    )


def read_time(value: Any) -> int | None:
    """Unix seconds or an ISO text, as microseconds: both occur for one name, by provider and by route."""
    if isinstance(value, str):
        return parse_rfc3339(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100_000_000_000:
        return None
    return int(value * SECOND)


def _counts(value: Any) -> RowCounts:
    counts = _object(value)
    return RowCounts(*(_count(counts.get(name)) for name in ("total", "completed", "failed")))


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(0, min(value, _MAX_COUNT))


def _error(document: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The first error that the batch tells of: `errors.data[0]` of the provider, or `upstream_error` of the gateway."""
    errors = document.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else errors
    for error in (*(listed if isinstance(listed, list) else ()), document.get("upstream_error")):
        if isinstance(error, dict):
            return _text(error.get("code")), _text(error.get("message"), 1000)
    return None, None


def _account(value: Any) -> Account | None:
    if not isinstance(value, dict):
        return None
    delivery = _object(value.get("delivery"))
    has_secret = value.get("has_secret")
    return Account(
        endpoint_id=_text(value.get("endpoint_id")),
        url=_url(value.get("url")),
        has_secret=has_secret if isinstance(has_secret, bool) else None,
        events=tuple(clean(event, 64) for event in _list(value.get("events")) if isinstance(event, str)),
        pending_retries=_count(delivery.get("pending_retries")) or 0,
        next_retry_at=read_time(delivery.get("next_retry_at")),
        attempts=_attempts(_list(value.get("attempts")), _list(delivery.get("delivered_event_types"))),
    )


def _attempts(listed: Sequence[Any], delivered: Sequence[Any]) -> tuple[Attempt, ...]:
    """The ten newest attempts as listed, and an entry for each key that is only named as delivered."""
    attempts = [attempt for entry in listed if (attempt := _attempt(entry)) is not None]
    shown = {attempt.delivery_key for attempt in attempts if attempt.outcome is AttemptOutcome.DELIVERED}
    named = [key for key in delivered if isinstance(key, str) and is_delivery_key(key) and key not in shown]
    return (*attempts, *(Attempt(key, 0, AttemptOutcome.DELIVERED) for key in named))


def _attempt(entry: Any) -> Attempt | None:
    key = entry.get("delivery_key") if isinstance(entry, dict) else None
    if not isinstance(key, str) or not is_delivery_key(key):
        return None
    error = _text(entry.get("error_message"), 300)
    return Attempt(
        delivery_key=key,
        number=_count(entry.get("attempt_number")) or 0,
        outcome=_outcome(entry),
        tried_at=read_time(entry.get("tried_at")),
        response_status=_count(entry.get("response_status")),
        timed_out=error is not None and error.startswith(_TIMED_OUT),
        error=error,
        preview=_text(entry.get("response_body_preview"), _PREVIEW),
    )


def _outcome(entry: Mapping[str, Any]) -> AttemptOutcome:
    word = entry.get("status")
    if not isinstance(word, str):  # absent in the seed's example
        return AttemptOutcome.DELIVERED if isinstance(entry.get("delivered_at"), str) else AttemptOutcome.RETRYING
    return _OUTCOMES.get(word, AttemptOutcome.OTHER)


def _billing(value: Any) -> dict[str, object]:
    if not isinstance(value, dict):
        return {}
    return {
        clean(name, 64): clean(item, 256) if isinstance(item, str) else item
        for name, item in list(value.items())[:32]
        if item is None or isinstance(item, str | int | float | bool)
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value[:100] if isinstance(value, list) else ()


def _file_id(value: Any) -> str | None:
    return value if isinstance(value, str) and is_job_id(value) else None


def _url(value: Any) -> str | None:
    return clean(value, 2048) if isinstance(value, str) and value else None


def _text(value: Any, limit: int = 256) -> str | None:
    return clean(value, limit) if isinstance(value, str) and value else None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
