"""Reading a create call. What is wrong with any request refuses the whole batch, as far as it is looked at here."""

import json
import re
from typing import Any

from sandbox.anthropic.account import Account
from sandbox.anthropic.batches import Batch, Row
from sandbox.anthropic.errors import refused
from sandbox.connections import NoAnswer
from sandbox.errors import Refused

MOST_REQUESTS = 100_000  # API reference, "Create a Message Batch"; so is the form of a custom_id
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


def create(account: Account, body: bytes) -> Batch:
    """Make the batch, and answer as the scenario wants it.

    Raises:
        Refused: the call has failed, whatever became of the batch.
    """
    rows, scenario = _rows(_document(body)), account.scenario
    if "create_refused" in scenario:
        raise refused(400, "This batch is refused, as its scenario asks.")
    if "create_unavailable" in scenario:
        raise refused(429, "Number of requests has exceeded your rate limit", retry_after="1")
    batch = account.create(rows)
    if "create_lost" in scenario:
        raise Refused(NoAnswer())
    if "create_uncaught" in scenario:
        raise refused(500, "Internal server error")
    return batch


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise refused(400, "The request body is not valid JSON") from None
    if not isinstance(document, dict):
        raise refused(400, "The request body is not an object")
    return document


def _rows(document: dict[str, Any]) -> tuple[Row, ...]:
    requests = document.get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MOST_REQUESTS:
        raise refused(400, f"requests: 1 to {MOST_REQUESTS} are needed")
    if strange := sorted(document.keys() - {"requests"}):
        raise refused(400, f"{strange[0]}: Extra inputs are not permitted")
    rows = tuple(_row(place, request) for place, request in enumerate(requests))
    if len({row.custom_id for row in rows}) < len(rows):
        raise refused(400, "requests: custom_id must be unique for each request")
    return rows


def _row(place: int, request: Any) -> Row:
    at = f"requests.{place}"
    if not isinstance(request, dict) or request.keys() != {"custom_id", "params"}:
        raise refused(400, f"{at}: custom_id and params are needed, and nothing else")
    custom_id, params = request["custom_id"], request["params"]
    if not isinstance(custom_id, str) or not CUSTOM_ID.fullmatch(custom_id):
        raise refused(400, f"{at}.custom_id: String should match '^[a-zA-Z0-9_-]{{1,64}}$'")
    if not isinstance(params, dict):
        raise refused(400, f"{at}.params: Input should be an object")
    for name, kind in (("model", str), ("max_tokens", int), ("messages", list)):
        if not isinstance(params.get(name), kind) or not params[name]:
            raise refused(400, f"{at}.params.{name}: Field required")
    return Row(custom_id, params)
