"""What the gateway remembers of its deliveries, and how it shows that on the batch (contract 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import iso_ms
from sandbox.endpoints import WebhookChoice
from sandbox.generations import Generation

MAX_ATTEMPTS = 4
KEPT = 50


@dataclass
class Account:
    """The attempts of one batch, oldest first, of all its delivery keys."""

    history: list[dict[str, Any]] = field(default_factory=list)
    last_dispatched_at: datetime | None = None
    last_progress: int | None = None
    last_progress_at: datetime | None = None

    def record(
        self,
        key: str,
        attempt: int,
        tried_at: datetime,
        status: str,
        *,
        next_retry_at: datetime | None = None,
        response_status: int | None = None,
        error: str | None = None,
        preview: str | None = None,
        sent: bool = True,
    ) -> None:
        """`status` is `delivered`, `scheduled_retry` or `failed_permanently`; `sent` is false for a retry called off."""
        tried = iso_ms(tried_at)
        entry = {
            "id": f"{key}:{attempt if sent else 'undeliverable'}:{tried}",
            "delivery_key": key,
            "event_type": key.partition(":")[0],
            "status": status,
            "attempt_number": attempt,
            "max_attempts": MAX_ATTEMPTS,
            "tried_at": tried,
            "delivered_at": tried if status == "delivered" else None,
            "next_retry_at": iso_ms(next_retry_at) if next_retry_at else None,
            "response_status": response_status,
            "error_message": error,
            "response_body_preview": preview,
        }
        self.history = [*self.history, entry][-KEPT:]
        self.last_dispatched_at = tried_at

    def record_progress(self, bucket: int, tried_at: datetime) -> None:
        """What was told last of how far the job has come, delivered or not."""
        self.last_progress, self.last_progress_at = bucket, tried_at

    def next_retry_at(self) -> str | None:
        return min((str(entry["next_retry_at"]) for entry in self._waiting()), default=None)

    def attempts_of(self, key: str) -> int:
        return sum(entry["delivery_key"] == key for entry in self.history)

    def _waiting(self) -> list[dict[str, Any]]:
        latest = {entry["delivery_key"]: entry for entry in self.history}
        return [entry for entry in latest.values() if entry["status"] == "scheduled_retry"]

    def public_state(self, choice: WebhookChoice, generation: Generation) -> dict[str, Any]:
        """The `webhook` object of REST and push; a failure stays visible after a later success.

        In G1 `endpoint_id`, `last_attempt_status` and the `status` of an attempt are missing, as in the seed's example.
        """
        delivered = [entry for entry in self.history if entry["status"] == "delivered"]
        failures = [entry for entry in self.history if entry["status"] != "delivered"]
        keys = sorted({entry["delivery_key"] for entry in delivered})
        delivery = {
            "total_attempts": len(self.history),
            "delivered_events": len(keys),
            "delivered_event_types": keys,
            "pending_retries": len(self._waiting()),
            "next_retry_at": self.next_retry_at(),
            "last_attempt_at": _last(self.history, "tried_at"),
            "last_attempt_status": _last(self.history, "status"),
            "last_response_status": _last(self.history, "response_status"),
            "last_delivered_at": _last(delivered, "delivered_at"),
            "last_failure_at": _last(failures, "tried_at"),
            "last_error_message": _last(failures, "error_message"),
        }
        attempts = self.history[-generation.attempts_shown :]
        if not generation.names_outcomes:
            del delivery["last_attempt_status"]
            attempts = [{name: value for name, value in entry.items() if name != "status"} for entry in attempts]
        return ({"endpoint_id": choice.endpoint_id} if generation.has_endpoints else {}) | {
            "url": choice.url,
            "events": list(choice.events),
            "has_secret": choice.has_secret,
            "delivery": delivery,
            "attempts": attempts,
        }


def _last(entries: Iterable[dict[str, Any]], key: str) -> Any:
    return next((entry[key] for entry in reversed(list(entries))), None)
