"""Reading a create call (contract 3.1): every refusal here has the gateway's code and reason."""

import json
from datetime import datetime
from typing import Any

from sandbox import ids
from sandbox.batches import Order
from sandbox.content import Content
from sandbox.endpoints import Endpoint
from sandbox.errors import flat, nested, uncaught
from sandbox.files import File, FileStore
from sandbox.generations import Generation
from sandbox.rows import (
    ENDPOINTS,
    RESPONSES,
    BadRows,
    Row,
    inline_rows,
    json_lines,
    normalised_endpoint,
    prompt_requests,
    uploaded_rows,
)
from sandbox.scenarios import NEED_SUBMISSIONS, Scenario, UnknownScenario, read_scenario
from sandbox.webhook_forms import read_webhook

INPUTS = ("input_file_id", "requests", "prompts", "items")


def read_document(body: bytes) -> dict[str, Any]:
    """The JSON object. A bare `null` makes the gateway fall over; other JSON that is no object has no input."""
    try:
        document = json.loads(body)
        json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate could not be answered
    except (ValueError, RecursionError):
        raise flat("invalid_json", "invalid_json") from None
    if document is None:
        raise uncaught()
    return document if isinstance(document, dict) else {}


def read_scenario_of(document: dict[str, Any], kind: str, generation: Generation) -> Scenario | None:
    metadata = document.get("metadata")
    text = metadata.get("scenario") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        return None
    try:
        scenario = read_scenario(text, kind)
        if not generation.stores_submissions and (late := sorted(scenario.words & NEED_SUBMISSIONS)):
            raise UnknownScenario(f"{', '.join(late)} cannot happen in {generation.name}, only since G2.")
    except UnknownScenario as unknown:
        raise flat("validation_error", "sandbox_scenario_unknown", message=str(unknown)) from None
    return scenario


def read_order(
    document: dict[str, Any], files: FileStore, endpoints: dict[str, Endpoint], now: datetime, generation: Generation
) -> Order:
    """Validate in the order input, limits, webhook; inline rows become an input file of their own.

    Members that are not known are passed over, G3's `provider_options` among them.
    """
    source = _one_input(document)
    endpoint = _endpoint(document)
    model = document.get("model") if isinstance(document.get("model"), str) else None
    _check_provider(document.get("provider"))
    if document.get("completion_window", "24h") != "24h":
        raise flat("validation_error", "openai_batch_completion_window_unsupported")
    metadata = read_metadata(document.get("metadata"), "invalid_batch_metadata")
    _check_output_expiry(document.get("output_expires_after"))
    webhook = read_webhook(document, "batch", endpoints, generation)
    rows = _rows(document, source, endpoint, model, files)
    inline = source != "input_file_id"
    session = document.get("session_id", document.get("sessionId"))
    return Order(
        rows=rows,
        endpoint=endpoint,
        completion_window="24h",
        input_file_id=_keep_inline(rows, files, now) if inline else str(document[source]),
        inline=inline,
        metadata=metadata,
        model=str(rows[0].body["model"]) if inline else model,
        session_id=session if isinstance(session, str) else None,
        webhook=webhook,
    )


def _one_input(document: dict[str, Any]) -> str:
    named = [name for name in INPUTS if document.get(name) is not None]
    if not named:
        raise flat("validation_error", "missing_batch_input")
    if len(named) > 1:
        raise flat("validation_error", "ambiguous_batch_input")
    return named[0]


def _endpoint(document: dict[str, Any]) -> str:
    written = document.get("endpoint", RESPONSES)
    endpoint = normalised_endpoint(written) if isinstance(written, str) else ""
    if endpoint not in ENDPOINTS:
        raise flat(
            "unsupported_model_or_endpoint",
            "unsupported_batch_endpoint",
            message=f"This stand-in runs {', '.join(ENDPOINTS)}.",
        )
    return endpoint


def _check_provider(provider: Any) -> None:
    named = provider.get("only", provider.get("name")) if isinstance(provider, dict) else provider
    wanted = named if isinstance(named, list) else [named]
    if any(name not in {None, "openai"} for name in wanted):
        raise nested(403, "forbidden", "batch_provider_preview_disabled")


def read_metadata(written: Any, reason: str) -> dict[str, str]:
    """At most 16 entries, keys up to 64 characters, string values up to 512."""
    if written is None:
        return {}
    good = isinstance(written, dict) and len(written) <= 16
    if not good or not all(len(k) <= 64 and isinstance(v, str) and len(v) <= 512 for k, v in written.items()):
        raise flat("validation_error", reason)
    return dict(written)


def _check_output_expiry(written: Any) -> None:
    if written is None:
        return
    seconds = written.get("seconds") if isinstance(written, dict) and written.get("anchor") == "created_at" else None
    if type(seconds) is not int or not 3600 <= seconds <= 2_592_000:
        raise flat("validation_error", "invalid_openai_batch_output_expiry")


def _rows(document: dict[str, Any], source: str, endpoint: str, model: str | None, files: FileStore) -> tuple[Row, ...]:
    written = document[source]
    try:
        if source == "input_file_id":
            return uploaded_rows(_input_file(written, files).content.whole(), endpoint)
        if source in {"prompts", "items"}:
            written = prompt_requests(written, endpoint, model)
        return inline_rows(written, endpoint, model)
    except BadRows as bad:
        raise flat("validation_error", str(bad)) from None


def _input_file(file_id: Any, files: FileStore) -> File:
    file = files.find(file_id) if isinstance(file_id, str) else None
    if file is None:
        shown = file_id if isinstance(file_id, str) else None
        raise flat("not_found", "batch_input_file_not_found_or_not_owned", file_id=shown)
    return file


def _keep_inline(rows: tuple[Row, ...], files: FileStore, now: datetime) -> str:
    """The gateway uploads inline rows for the caller; that upload does not count against the quotas."""
    lines = [{"custom_id": row.custom_id, "method": "POST", "url": row.endpoint, "body": row.body} for row in rows]
    file = File(ids.native_file_id(), "inline_requests.jsonl", "batch", Content((json_lines(lines),)), now)
    files.register(file)
    return file.id
