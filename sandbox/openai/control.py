"""The control surface, `/openai/sandbox/...`: no part of OpenAI's wire, no key, for tests and the demo."""

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.openai.account import Account
from sandbox.openai.batches import Batch, Reading
from sandbox.openai.endpoint import EVENTS

SUCCEEDED, FAILED, MISSING = "succeeded", "failed", "missing"


def control_routes() -> list[Route]:
    return [
        Route("/sandbox/truth", truth),
        Route("/sandbox/deliver/{id}/{event}", deliver, methods=["POST"]),
    ]


async def truth(request: Request) -> Response:
    """What really became of every batch, and what was really sent, in the order of creation.

    `input_files` says how many batches were made of each file, whatever the create calls were answered.
    """
    account: Account = request.app.state.account
    found = account.batches.values()
    made_of = Counter(batch.order.input_file_id for batch in found)
    return JSONResponse({"batches": [true_batch(batch, account) for batch in found], "input_files": made_of})


async def deliver(request: Request) -> Response:
    """Send one event once, now, well signed, whatever the batch has come to; it shows under `sent`."""
    account: Account = request.app.state.account
    batch, event = account.find(request.path_params["id"]), request.path_params["event"]
    if event not in EVENTS:
        return JSONResponse({"error": f"The event must be one of {', '.join(EVENTS)}."}, status_code=400)
    answer = await account.sender.send_once(batch, event)
    return JSONResponse({"event": event, "outcome": answer.outcome, "response_status": answer.status})


def true_batch(batch: Batch, account: Account) -> dict[str, Any]:
    """`done`: the status is final. `settled`: besides, nothing is left to send. `rows`: what its files hold, once it is done, and
    `outcomes` the same of each row, in the order of the input.
    """
    found = account.read(batch)
    outcomes = outcomes_of(batch, found)
    counts = Counter(outcomes)
    rows = {"asked": len(outcomes), "answered": counts[SUCCEEDED], "failed": counts[FAILED], "missing": counts[MISSING]}
    return {
        "job_id": batch.id,
        "kind": "batch",
        "scenario": batch.scenario.text,
        "status": found.status,
        "done": found.terminal,
        "settled": found.terminal and batch.is_told,
        "gets": batch.gets,
        "cancels": batch.cancels,
        "sent": batch.sent,
        "rows": rows if found.terminal else None,
        "outcomes": outcomes if found.terminal else None,
    }


def outcomes_of(batch: Batch, found: Reading) -> list[str]:
    """In which file each row is found."""
    has_output = "output_missing" not in batch.scenario
    answered = {row.custom_id for row in found.answered} if has_output else set()
    failed = {line["custom_id"] for line in found.errors}
    ids = [row.custom_id for row in batch.order.rows]
    return [SUCCEEDED if one in answered else FAILED if one in failed else MISSING for one in ids]
