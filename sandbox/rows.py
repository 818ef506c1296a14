"""The JSONL of a batch: reading the uploaded rows, writing result rows (contract 2.5)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

COMPLETIONS, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
ENDPOINTS = (COMPLETIONS, RESPONSES, EMBEDDINGS)
DEFAULT_MODEL = "gpt-5-mini"
MOST_CUSTOM_ID_BYTES = 512

UNRUN_MESSAGES = {
    "batch_expired": "The completion window closed before this row was run.",
    "batch_cancelled": "The batch was cancelled before this row was run.",
}


class BadRows(ValueError):
    """The reason word is the message."""


@dataclass(frozen=True)
class Row:
    custom_id: str
    endpoint: str
    body: dict[str, Any]


def normalised_endpoint(written: str) -> str:
    """`/v1` may be missing, an origin or a trailing slash may be too many."""
    path = written.strip()
    if "://" in path:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    path = "/" + path.strip("/")
    return path if path.startswith("/v1/") else f"/v1{path}"


def read_json_lines(content: bytes) -> list[Any]:
    """Lines may end in LF or CRLF, blank ones are passed over, the last needs no end."""
    try:
        return [json.loads(line) for line in content.decode().split("\n") if line.strip()]
    except (ValueError, RecursionError):
        raise BadRows("batch_input_file_not_priceable") from None


def uploaded_rows(content: bytes, endpoint: str) -> tuple[Row, ...]:
    """Rows of an input file; whatever is wrong with them has the same reason, as at the gateway."""
    rows = []
    for raw in read_json_lines(content):
        if not isinstance(raw, dict) or not isinstance(raw.get("custom_id"), str):
            raise BadRows("batch_input_file_not_priceable")
        rows.append(_row(raw, raw["custom_id"], endpoint, "batch_input_file_not_priceable"))
    _check_together(rows, "batch_input_file_not_priceable")
    return tuple(rows)


def inline_rows(requests: Any, endpoint: str, model: str | None) -> tuple[Row, ...]:
    """Rows written into the create call; ids default to `request-<n>`, counted from 1."""
    if not isinstance(requests, list) or not requests:
        raise BadRows("invalid_requests")
    rows = []
    for number, raw in enumerate(requests, 1):
        if not isinstance(raw, dict):
            raise BadRows("invalid_requests")
        custom_id = raw.get("custom_id", raw.get("customId", f"request-{number}"))
        if not isinstance(custom_id, str) or len(custom_id.encode()) > MOST_CUSTOM_ID_BYTES:
            raise BadRows("invalid_requests")
        plain = raw if "body" in raw else raw | {"body": raw.get("request")}
        rows.append(_row(plain, custom_id, endpoint, "invalid_requests", model))
    _check_together(rows, None)
    return tuple(rows)


def prompt_requests(prompts: Any, endpoint: str, model: str | None) -> list[dict[str, Any]]:
    """The shorthands: plain texts, or request bodies without their envelope."""
    if not isinstance(prompts, list) or not prompts:
        raise BadRows("invalid_requests")
    key = "messages" if endpoint == COMPLETIONS else "input"
    bodies = []
    for prompt in prompts:
        if isinstance(prompt, str):
            spoken: Any = [{"role": "user", "content": prompt}] if key == "messages" else prompt
            bodies.append({"body": {"model": model or DEFAULT_MODEL, key: spoken}})
        elif isinstance(prompt, dict):
            bodies.append(prompt if "body" in prompt else {"body": prompt})
        else:
            raise BadRows("invalid_requests")
    return bodies


def _row(raw: dict[str, Any], custom_id: str, endpoint: str, reason: str, model: str | None = None) -> Row:
    method, url, body = raw.get("method", "POST"), raw.get("url", endpoint), raw.get("body")
    if not isinstance(method, str) or method.upper() != "POST" or not isinstance(body, dict):
        raise BadRows(reason)
    if not isinstance(url, str) or normalised_endpoint(url) != endpoint:
        raise BadRows(reason)
    if body.get("stream"):
        raise BadRows("batch_streaming_not_supported" if reason == "invalid_requests" else reason)
    return Row(custom_id, endpoint, body if "model" in body else body | {"model": model or DEFAULT_MODEL})


def _check_together(rows: Sequence[Row], reason: str | None) -> None:
    if not rows:
        raise BadRows(reason or "invalid_requests")
    if len({row.custom_id for row in rows}) < len(rows):
        raise BadRows(reason or "duplicate_custom_id")
    if len({str(row.body["model"]) for row in rows}) > 1:
        raise BadRows("batch_multiple_models_not_supported")


def failing_rows(total: int, share: str) -> frozenset[int]:
    """Which rows the provider refuses: none, every third (one at least), or all."""
    if share == "none":
        return frozenset()
    if share == "all" or total == 1:
        return frozenset(range(total))
    return frozenset(range(1, total, 3))


def answered_row(batch_id: str, row: Row) -> dict[str, Any]:
    mark = _mark(batch_id, row)
    response = {"status_code": 200, "request_id": f"req_{mark}", "body": _body_for(row, mark)}
    return {"id": f"batch_req_{mark}", "custom_id": row.custom_id, "response": response, "error": None}


def refused_row(batch_id: str, row: Row) -> dict[str, Any]:
    """The provider ran the row and answered 400."""
    mark = _mark(batch_id, row)
    error = {
        "message": "The row asks for more output than this model can give.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "invalid_value",
    }
    response = {"status_code": 400, "request_id": f"req_{mark}", "body": {"error": error}}
    return {"id": f"batch_req_{mark}", "custom_id": row.custom_id, "response": response, "error": None}


def unrun_row(batch_id: str, row: Row, code: str) -> dict[str, Any]:
    error = {"code": code, "message": UNRUN_MESSAGES[code]}
    return {"id": f"batch_req_{_mark(batch_id, row)}", "custom_id": row.custom_id, "response": None, "error": error}


def json_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "replace")


def usage_of(row: Row) -> tuple[int, int]:
    """Prompt and completion tokens: about four bytes of request to the token, a sentence or two of answer."""
    prompt = max(1, len(json.dumps(row.body)) // 4)
    return prompt, 0 if row.endpoint == EMBEDDINGS else 12 + prompt % 37


def _mark(batch_id: str, row: Row) -> str:
    return sha256(f"{batch_id}\n{row.custom_id}".encode("utf-8", "replace")).hexdigest()[:24]


def _body_for(row: Row, mark: str) -> dict[str, Any]:
    model, (prompt, completion) = row.body["model"], usage_of(row)
    text = f"A sandbox answer to {row.custom_id}: plausible in shape, empty of thought."
    if row.endpoint == EMBEDDINGS:
        vector = [round(int(mark[at : at + 2], 16) / 255 - 0.5, 6) for at in range(0, 16, 2)]
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        spent = {"prompt_tokens": prompt, "total_tokens": prompt}
        return {"object": "list", "data": data, "model": model, "usage": spent}
    if row.endpoint == RESPONSES:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        message = {"id": f"msg_{mark}", "type": "message", "role": "assistant", "content": content}
        spent = {"input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion}
        shown = {"id": f"resp_{mark}", "object": "response", "status": "completed", "model": model}
        return shown | {"output": [message], "usage": spent}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    spent = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {
        "id": f"chatcmpl-{mark}",
        "object": "chat.completion",
        "model": model,
        "choices": [choice],
        "usage": spent,
    }
