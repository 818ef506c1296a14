"""The routes under `/openai/v1`: files, batches, webhook endpoints."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.connections import NoAnswer
from sandbox.files import read_form
from sandbox.openai import creation, faults
from sandbox.openai.account import Account
from sandbox.openai.batches import Batch
from sandbox.openai.errors import refused
from sandbox.openai.objects import batch_object, endpoint_object, page

LARGEST_INPUT = 200_000_000  # bytes (docstring of `files.create` of the SDK)


def api_routes() -> list[Route]:
    return [
        Route("/v1/files", upload_file, methods=["POST"]),
        Route("/v1/files/{id}", get_file),
        Route("/v1/files/{id}/content", get_content),
        Route("/v1/batches", create_batch, methods=["POST"]),
        Route("/v1/batches", list_batches),
        Route("/v1/batches/{id}", get_batch),
        Route("/v1/batches/{id}/cancel", cancel_batch, methods=["POST"]),
        Route("/v1/webhook_endpoints", list_endpoints),
        Route("/v1/webhook_endpoints/{id}", get_endpoint),
        Route("/v1/webhook_endpoints/{id}", update_endpoint, methods=["POST"]),
    ]


def admitted(request: Request) -> Account:
    """The account, for whoever has its key."""
    account: Account = request.app.state.account
    if request.headers.get("authorization") != f"Bearer {account.api_key}":
        raise refused(401, "Incorrect API key provided.", code="invalid_api_key")
    return account


async def upload_file(request: Request) -> Response:
    account = admitted(request)
    form = read_form(request.headers.get("content-type", ""), await request.body())
    filename, content = form.get("file", (None, b""))
    if filename is None:
        raise refused(400, "'file' is a required property", param="file")
    if form.get("purpose", (None, b""))[1] != b"batch":
        raise refused(400, "This stand-in takes files with the purpose 'batch' only.", param="purpose")
    if not filename.endswith(".jsonl") or len(content) > LARGEST_INPUT:
        raise refused(400, "The Batch API supports .jsonl files of up to 200 MB only.", param="file")
    return JSONResponse(account.keep(filename, content).shown())


async def get_file(request: Request) -> Response:
    return JSONResponse(admitted(request).file(request.path_params["id"]).shown())


async def get_content(request: Request) -> Response:
    file = admitted(request).file(request.path_params["id"])
    return Response(file.content.whole(), media_type="application/octet-stream")


async def create_batch(request: Request) -> Response:
    account = admitted(request)
    batch = creation.create(account, creation.read_document(await request.body()))
    return _shown(account, batch, batch.created_at)


async def list_batches(request: Request) -> Response:
    """The newest first. That order, and the refusal of an `after` that nobody has, are our guess."""
    account, asked = admitted(request), request.query_params
    found = list(reversed(account.batches.values()))
    limit, after = _limit(asked.get("limit")), asked.get("after")
    if after is not None:
        places = [place for place, batch in enumerate(found) if batch.id == after]
        if not places:
            raise refused(400, f"No batch found with id '{after}'.", param="after")
        found = found[places[0] + 1 :]
    shown = [batch_object(batch, account.read(batch), account.clock) for batch in found[:limit]]
    return JSONResponse(page(shown, has_more=len(found) > limit))


async def get_batch(request: Request) -> Response:
    account = admitted(request)
    batch = account.find(request.path_params["id"])
    batch.gets += 1
    await faults.dawdle(batch, account)
    return faults.next_fault(batch, account) or _shown(account, batch)


async def cancel_batch(request: Request) -> Response:
    account = admitted(request)
    batch = account.find(request.path_params["id"])
    batch.cancels += 1
    is_first = account.cancel(batch)
    return NoAnswer() if is_first and "cancel_unheard" in batch.scenario else _shown(account, batch)


async def list_endpoints(request: Request) -> Response:
    return JSONResponse(page([endpoint_object(admitted(request).endpoint)], has_more=False))


async def get_endpoint(request: Request) -> Response:
    account = admitted(request)
    _check_endpoint(request, account)
    return JSONResponse(endpoint_object(account.endpoint))


async def update_endpoint(request: Request) -> Response:
    """Any of name, URL and events."""
    account = admitted(request)
    _check_endpoint(request, account)
    given, endpoint = creation.read_document(await request.body()), account.endpoint
    endpoint.name, endpoint.url = str(given.get("name", endpoint.name)), str(given.get("url", endpoint.url))
    events: Any = given.get("event_types", endpoint.event_types)
    endpoint.event_types, endpoint.updated_at = tuple(str(event) for event in events), account.clock.now()
    return JSONResponse(endpoint_object(endpoint))


def _check_endpoint(request: Request, account: Account) -> None:
    if request.path_params["id"] != account.endpoint.id:
        raise refused(404, f"No webhook endpoint found with id '{request.path_params['id']}'.")


def _limit(written: str | None) -> int:
    """1 to 100, and 20 where nothing is said (docstring of `batches.list` of the SDK)."""
    if written is None:
        return 20
    if not written.isdecimal() or not 1 <= int(written) <= 100:
        raise refused(400, "Invalid 'limit': 1 to 100.", param="limit")
    return int(written)


def _shown(account: Account, batch: Batch, at: datetime | None = None) -> Response:
    return JSONResponse(batch_object(batch, account.read(batch, at), account.clock))
