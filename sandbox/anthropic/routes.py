"""The routes under `/anthropic/v1`: batches, and their results."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.anthropic import creation
from sandbox.anthropic.account import Account
from sandbox.anthropic.batches import Batch
from sandbox.anthropic.errors import no_batch, refused
from sandbox.anthropic.faults import next_fault
from sandbox.anthropic.objects import batch_object, page, result_lines
from sandbox.connections import NoAnswer


def api_routes() -> list[Route]:
    return [
        Route("/v1/messages/batches", create_batch, methods=["POST"]),
        Route("/v1/messages/batches", list_batches),
        Route("/v1/messages/batches/{id}", get_batch),
        Route("/v1/messages/batches/{id}", delete_batch, methods=["DELETE"]),
        Route("/v1/messages/batches/{id}/cancel", cancel_batch, methods=["POST"]),
        Route("/v1/messages/batches/{id}/results", get_results),
    ]


def admitted(request: Request) -> Account:
    """The account, for whoever has its key and says which version of the API is meant. The key is taken in `x-api-key`, as at
    2023-06-01, and as a bearer, as the SDK shows it since version 2 of its own, with 2026-10-21."""
    account: Account = request.app.state.account
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    if request.headers.get("x-api-key", bearer) != account.api_key:
        raise refused(401, "invalid x-api-key")
    if not request.headers.get("anthropic-version"):
        raise refused(400, "anthropic-version: header is required")
    return account


async def create_batch(request: Request) -> Response:
    account = admitted(request)
    batch = creation.create(account, await request.body())
    return _shown(request, account, batch, batch.created_at)


async def list_batches(request: Request) -> Response:
    """Forward only. That an `after_id` of nobody is refused is our guess."""
    account, asked = admitted(request), request.query_params
    found, limit, after = account.shown(), _limit(asked.get("limit")), asked.get("after_id")
    if after is not None:
        places = [place for place, batch in enumerate(found) if batch.id == after]
        if not places:
            raise refused(400, f"after_id: there is no batch {after}")
        found = found[places[0] + 1 :]
    shown = [batch_object(batch, account.read(batch), _base(request)) for batch in found[:limit]]
    return JSONResponse(page(shown, has_more=len(found) > limit))


async def get_batch(request: Request) -> Response:
    account = admitted(request)
    batch = account.find(request.path_params["id"])
    batch.gets += 1
    return next_fault(batch) or _shown(request, account, batch)


async def delete_batch(request: Request) -> Response:
    account = admitted(request)
    batch = account.find(request.path_params["id"])
    account.delete(batch)
    return JSONResponse({"id": batch.id, "type": "message_batch_deleted"})


async def cancel_batch(request: Request) -> Response:
    account = admitted(request)
    batch = account.find(request.path_params["id"])
    batch.cancels += 1
    is_first = account.cancel(batch)
    return NoAnswer() if is_first and "cancel_unheard" in batch.scenario else _shown(request, account, batch)


async def get_results(request: Request) -> Response:
    """They stream, so that nobody is told their length. What is answered before the end is our guess."""
    account = admitted(request)
    batch = account.find(request.path_params["id"])
    found = account.read(batch)
    if not found.is_over or "results_missing" in batch.scenario:
        raise no_batch(f"{batch.id}/results")
    return StreamingResponse(result_lines(batch, found), media_type="application/x-jsonl")


def _shown(request: Request, account: Account, batch: Batch, at: datetime | None = None) -> Response:
    return JSONResponse(batch_object(batch, account.read(batch, at), _base(request)))


def _base(request: Request) -> str:
    """Where whoever asks has found this stand-in."""
    return str(request.url).partition("/v1/")[0]


def _limit(written: str | None) -> int:
    """1 to 1000, and 20 where nothing is said (`types/messages/batch_list_params.py` of the SDK)."""
    if written is None:
        return 20
    if not written.isdecimal() or not 1 <= int(written) <= 1_000:
        raise refused(400, "limit: 1 to 1000")
    return int(written)
