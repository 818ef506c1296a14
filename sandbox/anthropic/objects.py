"""Anthropic's objects as its SDK has them: `types/messages/message_batch.py`, pages of a list, and rows of results."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.anthropic import ids
from sandbox.anthropic.batches import WORTH, Batch, Reading, Row
from sandbox.clock import iso_ms

WINDOW = timedelta(hours=24)
ELSEWHERE = "http://elsewhere.example"


def batch_object(batch: Batch, found: Reading, base: str) -> dict[str, Any]:
    """`base` is where this stand-in is reached, such as `http://127.0.0.1:8090/anthropic`."""
    tally = Counter(found.outcomes)
    counts = {"processing": 0 if found.is_over else len(batch.rows), **{word: tally[word] for word in WORTH}}
    origin = ELSEWHERE if "results_elsewhere" in batch.scenario else base
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": found.processing_status,
        "request_counts": None if found.is_over and "counts_missing" in batch.scenario else counts,
        "created_at": iso_ms(batch.created_at),
        "expires_at": iso_ms(batch.created_at + WINDOW),
        "ended_at": _time(found.ended_at),
        "cancel_initiated_at": _time(found.cancel_initiated_at),
        "archived_at": None,
        "results_url": f"{origin}/v1/messages/batches/{batch.id}/results" if found.is_over else None,
    }


def page(shown: Sequence[dict[str, Any]], has_more: bool) -> dict[str, Any]:
    return {
        "data": list(shown),
        "has_more": has_more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def result_lines(batch: Batch, found: Reading) -> Iterator[bytes]:
    """A row for each request, in no order that anybody could count on."""
    ended = list(zip(batch.rows, found.outcomes, strict=True))
    for row, outcome in Random(batch.id).sample(ended, len(ended)):
        yield json.dumps({"custom_id": row.custom_id, "result": _result(row, outcome)}).encode() + b"\n"


def _result(row: Row, outcome: str) -> dict[str, Any]:
    match outcome:
        case "succeeded":
            return {"type": outcome, "message": _message(row)}
        case "errored":
            error = {"type": "invalid_request_error", "message": "This request fails, as it was asked to."}
            return {
                "type": outcome,
                "error": {"type": "error", "error": error, "request_id": ids.request_id()},
            }
        case _:
            return {"type": outcome}


def _message(row: Row) -> dict[str, Any]:
    return {
        "id": f"msg_{row.custom_id}",
        "type": "message",
        "role": "assistant",
        "model": row.params["model"],
        "content": [{"type": "text", "text": f"An answer to {row.custom_id}."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 8, "output_tokens": 5},
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso_ms(at)
