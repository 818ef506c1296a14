"""Real bodies of the gateway (contract 1.3, 2.3, 3.1, 3.3, 4.5, 5), for mutations to begin at."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
FILE = "file-Ab12"

_ATTEMPT = {
    "id": "batch.completed:1:2026-08-12T02:21:09.357Z",
    "delivery_key": "batch.completed",
    "event_type": "batch.completed",
    "status": "failed_permanently",
    "attempt_number": 4,
    "max_attempts": 4,
    "tried_at": "2026-08-12T02:21:09.357Z",
    "delivered_at": None,
    "next_retry_at": None,
    "response_status": 503,
    "error_message": "Webhook returned HTTP 503",
    "response_body_preview": "overloaded",
}
_ACCOUNT = {
    "endpoint_id": "5f0c3f7e-0000-4000-8000-000000000001",
    "url": None,
    "events": [],
    "has_secret": True,
    "delivery": {
        "total_attempts": 4,
        "delivered_events": 1,
        "delivered_event_types": ["batch.created"],
        "pending_retries": 0,
        "next_retry_at": "2026-08-12T02:36:09.357Z",
        "last_attempt_status": "failed_permanently",
    },
    "attempts": [_ATTEMPT],
}
BATCH: Mapping[str, Any] = {
    "id": JOB,
    "object": "batch",
    "endpoint": "/v1/responses",
    "errors": {"object": "list", "data": [{"code": "bad_row", "message": "row 3", "param": None, "line": 3}]},
    "input_file_id": FILE,
    "completion_window": "24h",
    "status": "completed",
    "output_file_id": "file-out1",
    "error_file_id": None,
    "created_at": 1786500000,
    "in_progress_at": 1786500010,
    "completed_at": 1786500500,
    "expires_at": 1786586400,
    "request_counts": {"total": 3, "completed": 2, "failed": 1},
    "metadata": {"job": "nightly", "batchkeeper_submission": "sub_0123456789abc"},
    "native_batch_id": "batch_68f0",
    "request_id": "G-01K2XYZ3ABCDEFGHJKMNPQRSTV",
    "provider": "openai",
    "webhook": _ACCOUNT,
    "lifecycle_status": "completed",
    "polling_url": f"https://api.phaseo.app/v1/batches/{JOB}",
    "cancel_url": None,
    "pricing_lines": [],
    "billing": {"billed": True, "charged": True, "reason": None, "cost_nanos": 50000000, "cost_usd": 0.05},
    "upstream_error": {"code": "x", "type": "y", "message": "z", "param": None, "status": 400},
}
_LISTED = {
    **{
        name: BATCH[name]
        for name in ("id", "object", "status", "endpoint", "request_counts", "provider", "polling_url")
    },
    "created_at": "2026-08-12T01:00:00.123456+00:00",
    "updated_at": "2026-08-12T01:30:00.5+00:00",
}
LIST = {
    "object": "list",
    "data": [_LISTED, {**_LISTED, "id": "batch_2", "status": "in_progress"}],
    "first_id": JOB,
    "last_id": "batch_2",
    "has_more": False,
}
FILE_RECORD = {
    "id": FILE,
    "object": "file",
    "bytes": 18234,
    "created_at": 1786500000,
    "filename": "requests.jsonl",
    "purpose": "batch",
    "status": "processed",
    "expires_at": None,
}
_FLAT = {
    "error": "not_found",
    "reason": "batch_not_found_or_not_owned",
    "request_id": "G-01K2XYZ3ABCDEFGHJKMNPQRSTV",
    "batch_id": JOB,
    "file_id": FILE,
    "workspace_id": "6d0c",
    "status_code": 404,
    "error_type": "user",
    "error_origin": "user",
    "description": "no such batch",
}
ENVELOPES: Sequence[Mapping[str, Any]] = (
    _FLAT,
    {**_FLAT, "error": "unauthorised", "reason": "invalid_secret", "status_code": 401},
    {"error": {"type": "upstream_outcome_unknown", "reason": "timed_out", "message": "who knows", "batch_id": JOB}},
    {"error": {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}},
    {"error": {"type": "validation_error", "message": "no", "details": [{"path": ["url"]}]}},
    {"error": {"code": "websocket_upgrade_required", "message": "Upgrade"}},
)
_DATA = {
    "id": JOB,
    "object": "batch",
    "kind": "batch",
    "status": "completed",
    "lifecycle_status": "completed",
    "progress": 100,
    "request_id": "G-01K2",
    "native_id": "batch_68f0",
    "provider": "openai",
    "model": None,
    "polling_url": f"https://api.phaseo.app/v1/batches/{JOB}",
    "cancel_url": None,
    "output_file_id": "file-out1",
    "request_counts": {"total": 3, "completed": 3, "failed": 0},
    "updated_at": "2026-08-12T01:40:00+00:00",
}
PUSHES: Sequence[Mapping[str, Any]] = (
    {
        "id": f"evt_batch_{JOB}_batch_completed",
        "type": "batch.completed",
        "created_at": 1786500000,
        "delivery": {"key": "batch.completed", "attempt": 1, "max_attempts": 4},
        "data": {**_DATA, "webhook": _ACCOUNT, "billing": {"settled_user_cost": "0.05", "total_nanos": 50000000}},
    },
    {"type": "batch.failed", "created_at": 1786500000, "data": {**_DATA, "status": "expired"}},
    {
        "id": "evt_video_G-1_video_status_changed_queued_in_progress",
        "type": "video.status_changed",
        "created_at": 1786500000,
        "delivery": {"key": "video.status_changed:queued:in_progress", "attempt": 2, "max_attempts": 4},
        "data": {**_DATA, "id": "G-01K2", "kind": "video", "object": "video", "status": "processing", "progress": 40},
        "status_change": {"previous_status": "queued", "status": "in_progress"},
    },
)


def written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
