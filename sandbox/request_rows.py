"""The `requests` sub-listing (contract 3.5): bookkeeping per row, never its result.

Inline batches have rows from the start. File batches get them at finalization and from the output file only, so
rows of the error file never show. Nor does here a row of the output file that nobody asked, which is our guess.
"""

from hashlib import sha256
from typing import Any

from sandbox import batches, ids
from sandbox.batches import Batch
from sandbox.clock import Clock, iso_stored
from sandbox.result_files import output_lines
from sandbox.rows import COMPLETIONS, Row, json_lines, usage_of

STATUSES = {
    "in_progress": "in_progress",
    "finalizing": "in_progress",
    "cancelling": "in_progress",
    "submission_unknown": "queued",
    "submitting": "queued",
}


def request_rows(batch: Batch, clock: Clock) -> list[dict[str, Any]]:
    if batch.bill is None:
        if not batch.order.inline:
            return []
        status = STATUSES.get(batch.stored.status, batch.stored.status)
        return [_open_row(batch, row, index, status) for index, row in enumerate(batch.order.rows)]
    lines = output_lines(batch, batches.results(batch, clock, clock.now()).answered)
    places = {line["custom_id"]: index for index, line in enumerate(lines)}
    asked = {row.custom_id: row for row in batch.order.rows}
    return [_finished_row(batch, asked[name], index) for name, index in places.items() if name in asked]


def _open_row(batch: Batch, row: Row, index: int, status: str) -> dict[str, Any]:
    digest = sha256(json_lines([row.body]).strip()).hexdigest()
    return _row(batch, row, index, status) | {"method": "POST", "endpoint": row.endpoint, "request_body_hash": digest}


def _finished_row(batch: Batch, row: Row, index: int) -> dict[str, Any]:
    """`index` is the row's place in the output file."""
    prompt, completion = usage_of(row)
    names = ("prompt_tokens", "completion_tokens") if row.endpoint == COMPLETIONS else ("input_tokens", "output_tokens")
    nanos = prompt * batches.PROMPT_NANOS + completion * batches.COMPLETION_NANOS
    return _row(batch, row, index, "completed") | {
        "response_status": 200,
        "usage": dict(zip(names, (prompt, completion), strict=True)) | {"total_tokens": prompt + completion},
        "cost_nanos": nanos,
        "cost_usd": nanos / 1e9,
        "completed_at": iso_stored(batch.bill.at) if batch.bill else None,
    }


def _row(batch: Batch, row: Row, index: int, status: str) -> dict[str, Any]:
    return {
        "id": ids.ulid(),
        "custom_id": row.custom_id,
        "request_index": index,
        "provider": "openai",
        "native_batch_id": batch.known_native_id,
        "method": None,
        "endpoint": None,
        "model": row.body["model"],
        "status": status,
        "request_body_hash": None,
        "response_status": None,
        "response_body": None,
        "error_body": None,
        "usage": None,
        "cost_nanos": None,
        "cost_usd": None,
        "meta": {},
        "created_at": iso_stored(batch.created_at),
        "updated_at": iso_stored(batch.updated_at),
        "completed_at": None,
    }
