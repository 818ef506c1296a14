"""Reading a create call. What is wrong with the rows is found later, in validation: such a batch is made, and fails."""

import json
from typing import Any

from sandbox.connections import NoAnswer
from sandbox.errors import Refused
from sandbox.openai.account import Account
from sandbox.openai.batches import Batch, Order
from sandbox.openai.errors import refused, server_error
from sandbox.openai.scenarios import read_scenario
from sandbox.rows import ENDPOINTS, BadRows, uploaded_rows
from sandbox.scenarios import Scenario, UnknownScenario


def read_document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
        json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate could not be answered
    except (ValueError, RecursionError):
        raise refused(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(document, dict):
        raise refused(400, "We expected a JSON object as the body of your request.")
    return document


def create(account: Account, document: dict[str, Any]) -> Batch:
    """Make the batch, and answer as its scenario wants it. Each call makes one: there is no idempotency key.

    Raises:
        Refused: the call has failed, whatever became of the batch.
    """
    order = _order(account, document)
    scenario = account.scenario_for(_scenario(order.metadata.get("scenario")))
    if "create_refused" in scenario:
        raise refused(400, "This batch is refused, as its scenario asks.")
    if "create_unavailable" in scenario:
        raise refused(429, "Rate limit reached.", kind="requests", code="rate_limit_exceeded", retry_after="1")
    batch = account.create(order, scenario)
    if "create_lost" in scenario:
        raise Refused(NoAnswer())
    if "create_uncaught" in scenario:
        raise server_error()
    return batch


def _order(account: Account, document: dict[str, Any]) -> Order:
    file_id, endpoint = document.get("input_file_id"), document.get("endpoint")
    if not isinstance(file_id, str):
        raise refused(400, "Missing required parameter: 'input_file_id'.", param="input_file_id")
    if endpoint not in ENDPOINTS:
        raise refused(
            400, f"Invalid value for 'endpoint'. This stand-in runs {', '.join(ENDPOINTS)}.", param="endpoint"
        )
    if document.get("completion_window") != "24h":
        raise refused(400, "Invalid value for 'completion_window': only '24h' is supported.", param="completion_window")
    metadata = _metadata(document.get("metadata"))
    if (file := account.files.get(file_id)) is None:
        raise refused(404, f"No such File object: {file_id}", param="input_file_id")
    try:
        return Order(file_id, str(endpoint), metadata, uploaded_rows(file.content.whole(), str(endpoint)))
    except BadRows:
        return Order(file_id, str(endpoint), metadata, (), "The input has a line that is no request for this endpoint.")


def _metadata(written: Any) -> dict[str, str]:
    """At most 16 pairs, keys up to 64 characters, texts up to 512 (`types/batch_create_params.py` of the SDK)."""
    if written is None:
        return {}
    if not isinstance(written, dict) or len(written) > 16:
        raise refused(400, "Invalid 'metadata': at most 16 pairs.", param="metadata")
    for key, value in written.items():
        if len(key) > 64 or not isinstance(value, str) or len(value) > 512:
            raise refused(400, "Invalid 'metadata': keys of up to 64 characters, texts of up to 512.", param="metadata")
    return dict(written)


def _scenario(text: str | None) -> Scenario | None:
    try:
        return None if text is None else read_scenario(text)
    except UnknownScenario as unknown:
        raise refused(400, str(unknown), param="metadata", code="sandbox_scenario_unknown") from None
