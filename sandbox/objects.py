"""The three faces of a batch: the REST object, the list item and the push object (contract 3.8, 3.9, 4.5).

They disagree on purpose. The status tables and the differing shapes are the gateway's, not ours.
"""

from math import floor
from typing import Any

from sandbox.batches import Batch, Bill, Reading
from sandbox.clock import Clock, iso_ms, iso_stored, unix

REST_LIFECYCLES = {
    "in_progress": "running",
    "processing": "running",
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
PUSH_STATUSES = {
    "in_progress": "in_progress",
    "finalizing": "in_progress",
    "cancelling": "in_progress",
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
PUSH_LIFECYCLES = {"in_progress": "running"}
CANCELLABLE_ON_REST = frozenset({"queued", "pending", "validating", "in_progress", "cancelling"})

WHY = {
    "failed": ("model_unavailable", "The model went away while the batch was running."),
    "expired": ("batch_expired", "The batch did not finish within its completion window."),
}


def rest_lifecycle(status: str) -> str:
    """`finalizing` and `cancelling` read pending here, as does every word that is not known."""
    return REST_LIFECYCLES.get(status.lower(), "pending")


def push_status(status: str) -> str:
    """The native word reduced to six."""
    return PUSH_STATUSES.get(status.lower(), "pending")


def push_lifecycle(status: str) -> str:
    reduced = push_status(status)
    return PUSH_LIFECYCLES.get(reduced, reduced)


def rest_object(batch: Batch, heard: Reading, clock: Clock, address: str) -> dict[str, Any]:
    """Create, get and cancel. `address` is the collection's URL as the caller wrote it, alias and host included."""
    order, url = batch.order, f"{address}/{batch.id}"
    return (
        {
            "id": batch.id,
            "object": "batch",
            "endpoint": order.endpoint,
            "errors": _errors(heard),
            "input_file_id": order.input_file_id,
            "completion_window": order.completion_window,
            "status": heard.status,
            "output_file_id": heard.output_file_id,
            "error_file_id": heard.error_file_id,
            "created_at": unix(batch.created_at),
            "in_progress_at": heard.stamps.get("in_progress_at"),
            "expires_at": unix(batch.expires_at(clock)),
            "finalizing_at": heard.stamps.get("finalizing_at"),
            "completed_at": heard.stamps.get("completed_at"),
            "failed_at": heard.stamps.get("failed_at"),
            "expired_at": heard.stamps.get("expired_at"),
            "cancelling_at": heard.stamps.get("cancelling_at"),
            "cancelled_at": heard.stamps.get("cancelled_at"),
            "request_counts": _counts(heard),
            "metadata": _stamped_metadata(batch),
            "native_batch_id": batch.native_id,
            "request_id": batch.request_id,
            "provider": "openai",
        }
        | ({"session_id": order.session_id} if order.session_id else {})
        | _webhook(batch)
        | {
            "lifecycle_status": rest_lifecycle(heard.status),
            "polling_url": url,
            "cancel_url": f"{url}/cancel" if heard.status in CANCELLABLE_ON_REST else None,
            "pricing_lines": [],
        }
        | _usage_and_billing(batch)
    )


def list_item(batch: Batch, address: str) -> dict[str, Any]:
    """Served from storage: ISO times, no native id, no metadata, no stage times."""
    order, stored, url = batch.order, batch.stored, f"{address}/{batch.id}"
    return (
        {
            "id": batch.id,
            "object": "batch",
            "status": stored.status,
            "endpoint": order.endpoint,
            "completion_window": order.completion_window,
            "input_file_id": order.input_file_id,
            "output_file_id": stored.output_file_id,
            "error_file_id": stored.error_file_id,
            "request_counts": _counts(stored),
            "created_at": iso_stored(batch.created_at),
            "updated_at": iso_stored(batch.updated_at),
            "request_id": batch.request_id,
            "provider": "openai",
        }
        | _webhook(batch)
        | {
            "lifecycle_status": rest_lifecycle(stored.status),
            "polling_url": url,
            "cancel_url": f"{url}/cancel" if stored.status in CANCELLABLE_ON_REST else None,
            "pricing_lines": [],
        }
        | _usage_and_billing(batch)
    )


def push_object(batch: Batch, public_base: str) -> dict[str, Any]:
    """The `data` of a delivery: a snapshot of the stored row, with URLs on the configured public base."""
    order, stored, account = batch.order, batch.stored, batch.account
    status, url = push_status(stored.status), f"{public_base}/v1/batches/{batch.id}"
    live = "ws" + public_base.removeprefix("http")
    return (
        {
            "id": batch.id,
            "object": "batch",
            "kind": "batch",
            "status": status,
            "lifecycle_status": push_lifecycle(stored.status),
            "progress": progress(stored),
            "request_id": batch.request_id,
            "session_id": order.session_id,
            "app_id": None,
            "native_id": batch.native_id,
            "provider": "openai",
            "model": order.model,
            "polling_url": url,
            "websocket_url": f"{live}/v1/async/batch/{batch.id}/ws",
            "cancel_url": f"{url}/cancel" if status in {"pending", "in_progress"} else None,
        }
        | _webhook(batch)
        | {
            "endpoint": order.endpoint,
            "completion_window": order.completion_window,
            "input_file_id": order.input_file_id,
            "output_file_id": stored.output_file_id,
            "error_file_id": stored.error_file_id,
            "key_source": "gateway",
            "byok_key_id": None,
            "reservation_id": None,
            "reservation_status": None,
            "pricing_lines": [],
            "next_webhook_retry_at": account.next_retry_at(),
            "last_webhook_progress": None,
            "last_webhook_progress_at": None,
            "last_webhook_dispatched_at": iso_ms(account.last_dispatched_at) if account.last_dispatched_at else None,
            "last_polled_at": iso_ms(batch.polled_at) if batch.polled_at else None,
            "polled_status": batch.polled_status,
            "finalized_at": iso_ms(batch.bill.at) if batch.bill else None,
            "request_counts": _counts(stored),
            "upstream_error": _upstream_error(stored.status),
            "provider_failure_diagnostics": None,
            "routing_diagnostics": None,
            "provider_enablement": None,
            "provider_candidate_diagnostics": None,
            "failure_sample": None,
            "billing": _push_billing(batch),
            "created_at": iso_stored(batch.created_at),
            "updated_at": iso_stored(batch.updated_at),
        }
    )


def progress(stored: Reading) -> int:
    """100 once completed, else the share of rows worked off, rounded half up; can be 100 before the end."""
    if stored.status == "completed":
        return 100
    if not stored.total:
        return 0
    return floor(100 * (stored.completed + stored.failed) / stored.total + 0.5)


def _counts(heard: Reading) -> dict[str, int]:
    return {"total": heard.total, "completed": heard.completed, "failed": heard.failed}


def _webhook(batch: Batch) -> dict[str, Any]:
    return {"webhook": batch.account.public_state(batch.order.webhook)} if batch.order.webhook else {}


def _stamped_metadata(batch: Batch) -> dict[str, str]:
    """The caller's entries, and the gateway's two where the limit of 16 leaves room."""
    stamps = {"phaseo_batch_id": batch.id, "phaseo_request_id": batch.request_id}
    return dict([*batch.order.metadata.items(), *stamps.items()][:16])


def _errors(heard: Reading) -> dict[str, Any] | None:
    if heard.status != "failed":
        return None
    code, message = WHY["failed"]
    return {"object": "list", "data": [{"code": code, "message": message, "param": None, "line": None}]}


def _upstream_error(status: str) -> dict[str, Any] | None:
    if status not in WHY:
        return None
    code, message = WHY[status]
    return {"code": code, "type": None, "message": message, "description": None, "param": None, "status": None}


def _usage_and_billing(batch: Batch) -> dict[str, Any]:
    """Seven keys, and the gateway's own sum of tokens; both absent before finalization."""
    bill = batch.bill
    if bill is None:
        return {}
    charged = bill.nanos > 0
    usage = {
        "prompt_tokens": bill.prompt_tokens,
        "completion_tokens": bill.completion_tokens,
        "total_tokens": bill.prompt_tokens + bill.completion_tokens,
    }
    billing = {
        "billed": charged,
        "charged": charged,
        "reason": None if charged else "no_successful_rows",
        "cost_nanos": bill.nanos,
        "cost_usd": bill.nanos / 1e9,
        "finalized_at": iso_ms(bill.at),
        "pricing_breakdown": {"total_nanos": bill.nanos, "total_usd_str": f"{bill.nanos / 1e9:.9f}", "lines": []},
    }
    return {"usage": usage, "billing": billing}


def _push_billing(batch: Batch) -> dict[str, Any]:
    bill: Bill | None = batch.bill
    nanos = bill.nanos if bill else 0
    settled = f"{nanos / 1e9:.2f}" if bill else None
    billing: dict[str, Any] = {
        "currency": "usd",
        "estimated_provider_cost": None,
        "estimated_user_cost": None,
        "settled_provider_cost": settled,
        "settled_user_cost": settled,
        "state": "pending" if bill is None else "settled" if nanos else "void",
        "billable": bill is None or nanos > 0,
        "total_nanos": nanos if bill else None,
        "estimated_nanos": None,
        "reserved_nanos": None,
        "estimation_truncated": False,
        "estimation_sample_size": None,
        "estimation_total_rows": None,
        "reservation_id": None,
        "reservation_status": None,
        "charge_reason": None if bill is None or nanos else "no_successful_rows",
        "charged": nanos > 0,
    }
    return billing | ({"billed_at": iso_stored(bill.at)} if bill else {})
