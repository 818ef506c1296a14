"""What a provider has told of a job, member by member: by its newest answer to us, and what only its webhook shows beside.

Nothing of it decides anything. What was never said has no place here, and who said it is told.
"""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.details import details_of
from schemas.ids import shown
from schemas.readings import Observation
from schemas.tables import ObservationRow, ReceiptRow
from schemas.times import rfc3339

View = dict[str, Any]

_MEMBERS = (
    "provider",
    "request_id",
    "native_id",
    "session_id",
    "model",
    "endpoint",
    "completion_window",
    "input_file_id",
    "expires_at",
    "websocket_url",
    "submission",
    "metadata",
    "usage",
    "pricing_lines",
    "more",
)
_SUMMARY = (
    "total_attempts",
    "delivered",
    "pending_retries",
    "next_retry_at",
    "last_attempt_at",
    "last_attempt",
    "last_response_status",
    "last_delivered_at",
    "last_failure_at",
    "last_error",
)


def told(own: ObservationRow | None, pushed: tuple[ReceiptRow, Observation] | None) -> View:
    """`own` is the newest answer to a question about the job, `pushed` the newest readable webhook about it."""
    answered = _of_answer(own)
    sent = _of_webhook(pushed)
    everything = {**sent, **answered, "more": {**sent.get("more", {}), **answered.get("more", {})}}
    everything["billing"] = {**sent.get("billing", {}), **answered.get("billing", {})}
    webhook = everything.get("webhook", {})
    return {
        **{name: everything.get(name) for name in _MEMBERS},
        "webhook": _webhook(webhook) if webhook else None,
        "delivery": {name: webhook.get(name) for name in _SUMMARY} if webhook else None,
        "billing": everything["billing"] or None,
        "told_by": {
            "answer": None if own is None else {"asked": own.asked, "at": rfc3339(own.last_seen_at)},
            "webhook": None if pushed is None else _receipt(pushed[0]),
            "only_by_webhook": sorted(sent.keys() - answered.keys()),
        },
    }


def _of_answer(own: ObservationRow | None) -> View:
    return {} if own is None else _timed(json.loads(own.details))


def _of_webhook(pushed: tuple[ReceiptRow, Observation] | None) -> View:
    if pushed is None:
        return {}
    _, said = pushed
    details = _timed(details_of(said))
    return details | {"more": {**details.get("more", {}), **said.bookkeeping}}


def _receipt(row: ReceiptRow) -> View:
    return {"receipt": shown("rcp", row.id), "at": rfc3339(row.received_at)}


def _webhook(account: Mapping[str, Any]) -> View:
    """How its webhook is set up, as far as anybody is told: the secret itself never is."""
    return {name: account.get(name) for name in ("endpoint_id", "url", "events", "has_secret")}


def _timed(details: Mapping[str, Any]) -> View:
    """The details with every time as RFC 3339."""
    return {name: _written(name, value) for name, value in details.items()}


def _written(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _timed(value)
    return rfc3339(value) if name.endswith("_at") and isinstance(value, int) else value
