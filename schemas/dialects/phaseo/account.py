"""Phaseo's account of its deliveries of one job: the `webhook` object of REST and push (contract 5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dialects.members import count, flag, mapping, read_time, sequence, text, url
from schemas.identity import is_delivery_key
from schemas.readings import Account, Attempt
from schemas.texts import clean
from schemas.words import AttemptOutcome

_OUTCOMES = {
    "delivered": AttemptOutcome.DELIVERED,
    "scheduled_retry": AttemptOutcome.RETRYING,
    "failed_permanently": AttemptOutcome.GIVEN_UP,
}
_TIMED_OUT = "Webhook request timed out"  # contract 4.7
_PREVIEW = 500


def read_account(value: Any) -> Account | None:
    """None: no webhook was ever configured for this job."""
    if not isinstance(value, dict):
        return None
    delivery = mapping(value.get("delivery"))
    delivered = tuple(
        key for key in sequence(delivery.get("delivered_event_types")) if isinstance(key, str) and is_delivery_key(key)
    )
    return Account(
        endpoint_id=text(value.get("endpoint_id")),
        url=url(value.get("url")),
        has_secret=flag(value.get("has_secret")),
        events=tuple(clean(event, 64) for event in sequence(value.get("events")) if isinstance(event, str)),
        pending_retries=count(delivery.get("pending_retries")) or 0,
        next_retry_at=read_time(delivery.get("next_retry_at")),
        attempts=_attempts(sequence(value.get("attempts")), delivered),
        total_attempts=count(delivery.get("total_attempts")),
        delivered=delivered,
        last_attempt_at=read_time(delivery.get("last_attempt_at")),
        last_attempt=text(delivery.get("last_attempt_status"), 64),
        last_response_status=count(delivery.get("last_response_status")),
        last_delivered_at=read_time(delivery.get("last_delivered_at")),
        last_failure_at=read_time(delivery.get("last_failure_at")),
        last_error=text(delivery.get("last_error_message"), 300),
    )


def _attempts(listed: Sequence[Any], delivered: Sequence[str]) -> tuple[Attempt, ...]:
    """The ten newest attempts as listed, and an entry for each key that is only named as delivered."""
    attempts = [attempt for entry in listed if (attempt := _attempt(entry)) is not None]
    shown = {attempt.delivery_key for attempt in attempts if attempt.outcome is AttemptOutcome.DELIVERED}
    return (*attempts, *(Attempt(key, 0, AttemptOutcome.DELIVERED) for key in delivered if key not in shown))


def _attempt(entry: Any) -> Attempt | None:
    key = entry.get("delivery_key") if isinstance(entry, dict) else None
    if not isinstance(key, str) or not is_delivery_key(key):
        return None
    error = text(entry.get("error_message"), 300)
    return Attempt(
        delivery_key=key,
        number=count(entry.get("attempt_number")) or 0,
        outcome=_outcome(entry),
        tried_at=read_time(entry.get("tried_at")),
        response_status=count(entry.get("response_status")),
        timed_out=error is not None and error.startswith(_TIMED_OUT),
        error=error,
        preview=text(entry.get("response_body_preview"), _PREVIEW),
    )


def _outcome(entry: Mapping[str, Any]) -> AttemptOutcome:
    word = entry.get("status")
    if isinstance(word, str):
        return _OUTCOMES.get(word, AttemptOutcome.OTHER)
    if isinstance(entry.get("delivered_at"), str):
        return AttemptOutcome.DELIVERED
    # G1 has no word for it: the last of all attempts, after which none is due, was given up.
    last, number = count(entry.get("max_attempts")), count(entry.get("attempt_number"))
    is_last = last is not None and number is not None and number >= last
    return AttemptOutcome.GIVEN_UP if is_last and entry.get("next_retry_at") is None else AttemptOutcome.RETRYING
