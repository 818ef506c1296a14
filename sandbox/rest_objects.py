"""A batch as REST shows it: the object of create, get and cancel, and the item of the list (contract 3.1, 3.3, 3.8, 3.9).

The two differ from each other and from what webhooks carry. That is the gateway's doing, not ours.
"""

from typing import Any

from sandbox.batches import Batch, Reading, percent_done
from sandbox.billing import usage_and_billing
from sandbox.clock import Clock, iso_ms, iso_stored, unix
from sandbox.generations import Generation
from sandbox.push_objects import WHY, bookkeeping, counts, lifecycle, webhook_state
from sandbox.statuses import rest_lifecycle

CANCELLABLE = frozenset({"queued", "pending", "validating", "in_progress", "cancelling"})


def rest_object(batch: Batch, heard: Reading, clock: Clock, address: str, generation: Generation) -> dict[str, Any]:
    """Create, get and cancel. `address` is the collection's URL as the caller wrote it, alias and host included."""
    order, status = batch.order, shown_status(batch, heard.status, generation)
    return (
        {
            "id": batch.id,
            "object": "batch",
            "endpoint": order.endpoint,
            "errors": _errors(heard),
            "input_file_id": order.input_file_id,
            "completion_window": order.completion_window,
            "status": status,
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
            "request_counts": counts(batch, heard),
        }
        | ({} if "metadata_hidden" in batch.scenario else {"metadata": _metadata(batch, generation)})
        | ({"native_batch_id": batch.native_id} if generation.has_ids_of_its_own else {})
        | {"request_id": batch.request_id, "provider": "openai"}
        | ({"session_id": order.session_id} if order.session_id else {})
        | _rest_of_it(batch, heard, status, address, generation)
    )


def list_item(batch: Batch, address: str, generation: Generation) -> dict[str, Any]:
    """Served from storage: ISO times, no native id, no metadata, no stage times."""
    order, stored = batch.order, batch.stored
    status = shown_status(batch, stored.status, generation)
    return {
        "id": batch.id,
        "object": "batch",
        "status": status,
        "endpoint": order.endpoint,
        "completion_window": order.completion_window,
        "input_file_id": order.input_file_id,
        "output_file_id": stored.output_file_id,
        "error_file_id": stored.error_file_id,
        "request_counts": counts(batch, stored),
        "created_at": iso_stored(batch.created_at),
        "updated_at": iso_stored(batch.updated_at),
        "request_id": batch.request_id,
        "provider": "openai",
    } | _rest_of_it(batch, stored, status, address, generation)


def shown_status(batch: Batch, status: str, generation: Generation) -> str:
    """The provider's spelling of a cancelled batch, which only G1 passes on as it comes."""
    american = "cancelled_as_canceled" in batch.scenario and not generation.respells_canceled
    return "canceled" if american and status == "cancelled" else status


def _rest_of_it(batch: Batch, found: Reading, status: str, address: str, generation: Generation) -> dict[str, Any]:
    """What object and list item have in common."""
    url = f"{address}/{batch.id}"
    return (
        webhook_state(batch, generation)
        | lifecycle(batch, rest_lifecycle(status, generation))
        | {
            "polling_url": url,
            "cancel_url": f"{url}/cancel" if status in CANCELLABLE else None,
            "pricing_lines": [],
        }
        | ({"results_url": f"{url}/results" if status == "completed" else None} if generation.has_results else {})
        | (_extras(batch, found, address) if generation.rest_is_wide else {})
        | usage_and_billing(batch, generation)
    )


def _extras(batch: Batch, found: Reading, address: str) -> dict[str, Any]:
    """What G1b has besides, where it has a value."""
    origin = address.rpartition("/v1/")[0]
    told = bookkeeping(batch) | {"finalized_at": iso_ms(batch.bill.at) if batch.bill else None}
    return (
        ({"progress": percent_done(found)} if found.total else {})
        | {"websocket_url": f"ws{origin.removeprefix('http')}/v1/async/batch/{batch.id}/ws"}
        | {name: value for name, value in told.items() if value is not None}
    )


def _metadata(batch: Batch, generation: Generation) -> dict[str, str]:
    """The caller's entries, and since G2 the gateway's two where the limit of 16 leaves room.

    In G1 the id is the provider's, so there is none to stamp on a submission.
    """
    stamps = {"phaseo_batch_id": batch.id, "phaseo_request_id": batch.request_id}
    return dict([*batch.order.metadata.items(), *(stamps.items() if generation.has_ids_of_its_own else ())][:16])


def _errors(heard: Reading) -> dict[str, Any] | None:
    if heard.status != "failed":
        return None
    code, message = WHY["failed"]
    return {"object": "list", "data": [{"code": code, "message": message, "param": None, "line": None}]}
