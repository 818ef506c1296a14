"""A batch as webhooks and sockets carry it: a snapshot of the gateway's stored row (contract 3.8, 3.9, 4.5).

Below it stands what the objects of both kinds have in common.
"""

from typing import Any

from sandbox.batches import Batch, Reading, percent_done
from sandbox.billing import push_billing
from sandbox.clock import iso_ms, iso_stored
from sandbox.generations import Generation
from sandbox.jobs import Job
from sandbox.statuses import push_lifecycle, push_status

WHY = {
    "failed": ("model_unavailable", "The model went away while the batch was running."),
    "expired": ("batch_expired", "The batch did not finish within its completion window."),
}


def push_object(batch: Batch, base: str, generation: Generation, bucket: int | None = None) -> dict[str, Any]:
    """URLs stand on `base`; `bucket` is the progress of a progress event. G1a shows no progress of a batch at all."""
    order, stored = batch.order, batch.stored
    status, url = push_status(stored.status, generation), f"{base}/v1/batches/{batch.id}"
    return (
        {"id": batch.id, "object": "batch", "kind": "batch", "status": status}
        | lifecycle(batch, push_lifecycle(stored.status, generation))
        | ({"progress": percent_done(stored) if bucket is None else bucket} if generation.pushes_progress else {})
        | {
            "request_id": batch.request_id,
            "session_id": order.session_id,
            "app_id": None,
            "native_id": batch.known_native_id,
            "provider": "openai",
            "model": order.model,
            "polling_url": url,
            "websocket_url": f"ws{base.removeprefix('http')}/v1/async/batch/{batch.id}/ws",
            "cancel_url": f"{url}/cancel" if status in {"pending", "in_progress"} else None,
        }
        | webhook_state(batch, generation)
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
        }
        | bookkeeping(batch)
        | {
            "last_polled_at": iso_ms(batch.polled_at) if batch.polled_at else None,
            "polled_status": batch.polled_status,
            "finalized_at": iso_ms(batch.bill.at) if batch.bill else None,
            "request_counts": counts(batch, stored),
            "upstream_error": upstream_error(WHY.get(stored.status)),
            "provider_failure_diagnostics": None,
            "routing_diagnostics": None,
            "provider_enablement": None,
            "provider_candidate_diagnostics": None,
            "failure_sample": None,
            "billing": push_billing(batch.bill.nanos if batch.bill else None, batch.bill.at if batch.bill else None),
            "created_at": iso_stored(batch.created_at),
            "updated_at": iso_stored(batch.updated_at),
        }
    )


def lifecycle(job: Job, word: str) -> dict[str, str]:
    """Missing with `lifecycle_missing`, as it was before 2026-05-19."""
    return {} if "lifecycle_missing" in job.scenario else {"lifecycle_status": word}


def webhook_state(job: Job, generation: Generation) -> dict[str, Any]:
    return {"webhook": job.account.public_state(job.webhook, generation)} if job.webhook else {}


def bookkeeping(job: Job) -> dict[str, Any]:
    """What the gateway remembers of its telling."""
    account = job.account
    return {
        "next_webhook_retry_at": account.next_retry_at(),
        "last_webhook_progress": account.last_progress,
        "last_webhook_progress_at": iso_ms(account.last_progress_at) if account.last_progress_at else None,
        "last_webhook_dispatched_at": iso_ms(account.last_dispatched_at) if account.last_dispatched_at else None,
    }


def counts(batch: Batch, found: Reading) -> dict[str, int] | None:
    """As shown, which at the end need not be as it was: the counts of `found` are always true."""
    completed, failed = found.completed, found.failed
    if found.terminal and "counts_missing" in batch.scenario:
        return None
    if found.terminal and "counts_wrong" in batch.scenario:
        completed, failed = completed + 1, max(failed - 1, 0)
    return {"total": found.total, "completed": completed, "failed": failed}


def upstream_error(why: tuple[str, str] | None) -> dict[str, Any] | None:
    """From a code and a message."""
    if why is None:
        return None
    code, message = why
    return {"code": code, "type": None, "message": message, "description": None, "param": None, "status": None}
