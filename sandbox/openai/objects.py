"""OpenAI's objects as its SDK has them: `types/batch.py`, `types/webhooks/webhook_endpoint.py`, and pages of a list."""

from collections.abc import Sequence
from typing import Any

from sandbox.clock import Clock, unix
from sandbox.openai.batches import WINDOW, Batch, Reading
from sandbox.openai.endpoint import Endpoint

STAMPS = ("in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at", "cancelling_at", "cancelled_at")


def batch_object(batch: Batch, found: Reading, clock: Clock) -> dict[str, Any]:
    counts = {"total": found.total, "completed": len(found.answered), "failed": len(found.errors)}
    ended_uncounted = found.terminal and "counts_missing" in batch.scenario
    model = batch.order.rows[0].body["model"] if batch.order.rows else None
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.order.endpoint,
        "model": None if found.status == "validating" else model,
        "errors": _errors(batch) if found.status == "failed" else None,
        "input_file_id": batch.order.input_file_id,
        "completion_window": "24h",
        "status": found.status,
        "output_file_id": batch.output_file_id if found.terminal and found.answered else None,
        "error_file_id": batch.error_file_id if found.terminal and found.errors else None,
        "created_at": unix(batch.created_at),
        **{name: found.stamps.get(name) for name in STAMPS},
        "expires_at": unix(clock.later(batch.created_at, batch.end() if batch.fate.end == "expired" else WINDOW)),
        "request_counts": None if ended_uncounted else counts,
        "metadata": dict(batch.order.metadata) or None,
    }


def page(shown: Sequence[dict[str, Any]], has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": list(shown),
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": has_more,
    }


def endpoint_object(endpoint: Endpoint) -> dict[str, Any]:
    """Without its secret, which is told once and never again."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "name": endpoint.name,
        "url": endpoint.url,
        "event_types": list(endpoint.event_types),
        "created_at": unix(endpoint.created_at),
        "updated_at": unix(endpoint.updated_at),
        "signing_secret_hint": f"whsec_...{endpoint.secret[-4:]}",
    }


def _errors(batch: Batch) -> dict[str, Any]:
    one = {"code": "invalid_json_line", "message": batch.problem, "param": None, "line": 1}
    return {"object": "list", "data": [one]}
