"""The control surface, `/anthropic/sandbox/...`: no part of Anthropic's wire, no key, for tests and the demo."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.anthropic.account import Account
from sandbox.anthropic.batches import Batch
from sandbox.anthropic.scenarios import read_scenario
from sandbox.scenarios import UnknownScenario


def control_routes() -> list[Route]:
    return [
        Route("/sandbox/truth", truth),
        Route("/sandbox/switches", show_switches),
        Route("/sandbox/switches", set_switches, methods=["POST"]),
    ]


async def truth(request: Request) -> Response:
    """What really became of every batch, request by request, in the order of creation."""
    account: Account = request.app.state.account
    return JSONResponse({"batches": [true_batch(batch, account) for batch in account.batches.values()]})


async def show_switches(request: Request) -> Response:
    account: Account = request.app.state.account
    return JSONResponse({"scenario": account.scenario.text})


async def set_switches(request: Request) -> Response:
    """`scenario`: words for all batches that are created from now on; empty for a good day. Anything else changes nothing."""
    account: Account = request.app.state.account
    try:
        account.scenario = read_scenario(_scenario(await request.body()))
    except UnknownScenario as unknown:
        return JSONResponse({"error": str(unknown)}, status_code=400)
    return await show_switches(request)


def _scenario(body: bytes) -> str:
    try:
        asked: Any = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or asked.keys() != {"scenario"} or not isinstance(asked["scenario"], str):
        raise UnknownScenario('Send a JSON object such as {"scenario": "rows_fail"}.')
    return asked["scenario"]


def true_batch(batch: Batch, account: Account) -> dict[str, Any]:
    """`status` is what the batch came to, by how its requests ended; null while it goes on."""
    found = account.read(batch)
    outcomes = found.outcomes or ("processing",) * len(batch.rows)
    return {
        "job_id": batch.id,
        "kind": "batch",
        "scenario": batch.scenario.text,
        "processing_status": found.processing_status,
        "status": found.worth,
        "done": found.is_over,
        "deleted": batch.id in account.deleted,
        "gets": batch.gets,
        "cancels": batch.cancels,
        "rows": [{"custom_id": row.custom_id, "outcome": word} for row, word in zip(batch.rows, outcomes, strict=True)],
    }
