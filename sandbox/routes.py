"""The gateway's routes under `/v1`: batches and files (contract 2 and 3)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox import faults, listing
from sandbox.account_faults import check_batch_funds, check_upload
from sandbox.asking import address, admitted_to_batches, answer, id_in_path
from sandbox.batches import Batch, Reading
from sandbox.creation import read_document, read_order, read_scenario_of
from sandbox.downloads import content_answer
from sandbox.errors import NO_STORE, flat, nested, uncaught
from sandbox.files import body_within
from sandbox.gateway import Gateway
from sandbox.generations import Generation
from sandbox.request_rows import request_rows
from sandbox.rest_objects import list_item, rest_object
from sandbox.results import result_blocks
from sandbox.rows import ENDPOINTS
from sandbox.submissions import submit


def gateway_routes(generation: Generation) -> list[Route]:
    return [
        *_batch_routes("/v1/batches", generation),
        *(_batch_routes("/v1/batch", generation) if generation.has_alias else []),
        *_file_routes("/v1/files"),
    ]


def _batch_routes(root: str, generation: Generation) -> list[Route]:
    one = f"{root}/{{id}}"
    return [
        Route(root, create_batch, methods=["POST"]),
        *([Route(root, list_batches)] if generation.has_list else []),
        *([Route(f"{root}/capabilities", capabilities)] if generation.has_alias else []),
        *_file_routes(f"{root}/files"),
        Route(one, get_batch),
        Route(f"{one}/cancel", cancel_batch, methods=["POST"]),
        *([Route(f"{one}/requests", list_requests)] if generation.has_alias else []),
        *([Route(f"{one}/results", stream_results)] if generation.has_results else []),
    ]


def _file_routes(root: str) -> list[Route]:
    return [
        Route(root, upload_file, methods=["POST"]),
        Route(root, list_files),
        Route(f"{root}/{{id}}", get_file),
        Route(f"{root}/{{id}}/content", get_file_content),
    ]


async def create_batch(request: Request) -> Response:
    """Each call makes a batch: there is no idempotency key."""
    gateway = admitted_to_batches(request)
    declared = request.headers.get("content-length")
    document = read_document(await body_within(request.stream(), declared, "batch_body_too_large"))
    named = read_scenario_of(document, "batch", gateway.generation)
    order = read_order(document, gateway.files, gateway.endpoints, gateway.clock.now(), gateway.generation)
    check_batch_funds(gateway.fault)
    batch = submit(gateway, order, gateway.scenario_for(named, "batch"))
    return answer(_object(batch, batch.stored, request))


async def get_batch(request: Request) -> Response:
    """Asks the provider, and so may notice the end and send its webhook while this answer is on its way."""
    gateway = admitted_to_batches(request)
    batch = gateway.find(_id_without_query(request))
    batch.gets += 1
    await faults.dawdle(batch, gateway)
    if fault := faults.next_fault(batch, gateway):
        return fault
    return answer(_object(batch, gateway.ask(batch), request))


async def list_batches(request: Request) -> Response:
    """From storage, without asking the provider; `has_more` is always false."""
    gateway, asked = admitted_to_batches(request), request.query_params
    statuses = next(iter(asked.getlist("statuses")), None)
    wanted = listing.wanted_statuses(asked.getlist("status"), statuses, gateway.generation)
    limit = listing.list_limit(next(iter(asked.getlist("limit")), None))
    found = listing.page(gateway.batches.values(), gateway.files, limit, wanted)
    return answer(
        {
            "object": "list",
            "data": [list_item(batch, address(request), gateway.generation) for batch in found],
            "first_id": found[0].id if found else None,
            "last_id": found[-1].id if found else None,
            "has_more": False,
        }
    )


async def cancel_batch(request: Request) -> Response:
    gateway = admitted_to_batches(request)
    batch = gateway.find(id_in_path(request))
    batch.cancels += 1
    return answer(_object(batch, gateway.cancel(batch), request))


async def list_requests(request: Request) -> Response:
    gateway, asked = admitted_to_batches(request), request.query_params
    batch = gateway.find(id_in_path(request))
    try:
        limit, offset = int(asked.get("limit") or 100), int(asked.get("offset") or 0)
    except ValueError:
        raise uncaught() from None
    rows = request_rows(batch, gateway.clock)
    if status := asked.get("status"):
        rows = [row for row in rows if row["status"] == status]
    start = max(offset, 0)
    data = rows[start : start + min(max(limit, 1), 1000)]
    return answer({"object": "list", "batch_id": batch.id, "data": data})


async def stream_results(request: Request) -> Response:
    gateway = admitted_to_batches(request)
    batch = gateway.find(id_in_path(request))
    gateway.reach(batch)
    blocks = result_blocks(batch, gateway.clock, gateway.huge_bytes)
    return StreamingResponse(blocks, media_type="application/x-ndjson", headers=NO_STORE)


async def capabilities(request: Request) -> Response:
    admitted_to_batches(request)
    openai = {
        "id": "openai",
        "name": "OpenAI",
        "status": "active",
        "preview_readiness": "ready",
        "reconciliation_mode": "polling",
        "submission_recovery": "none",
        "endpoints": [{"endpoint": endpoint, "mode": "native"} for endpoint in ENDPOINTS],
        "gateway_input_modes": ["file", "inline"],
        "native_input_modes": ["file"],
        "documentation_url": None,
        "notes": [],
    }
    return answer({"object": "list", "data": [openai]})


async def upload_file(request: Request) -> Response:
    gateway = admitted_to_batches(request)
    _check_file_provider(request)
    check_upload(gateway.fault, gateway.generation)
    declared = request.headers.get("content-length")
    body = await body_within(request.stream(), declared, "batch_file_too_large")
    file = gateway.files.upload(request.headers.get("content-type", ""), body)
    return JSONResponse(file.shown())


async def list_files(request: Request) -> Response:
    admitted_to_batches(request)
    raise flat("not_supported", "file_list_not_supported_with_shared_gateway_key")


async def get_file(request: Request) -> Response:
    gateway = admitted_to_batches(request)
    file_id = id_in_path(request)
    if request.url.query:
        raise flat("not_found", "file_not_found_or_not_owned", file_id=f"{file_id}?{request.url.query}")
    return JSONResponse(gateway.files.owned(file_id).shown())


async def get_file_content(request: Request) -> Response:
    """Raw bytes; here a query string does no harm."""
    gateway = admitted_to_batches(request)
    return content_answer(gateway.files.owned(id_in_path(request)), gateway, request)


def _id_without_query(request: Request) -> str:
    """A query string becomes part of the id, and so of an id that nobody has."""
    named, query = id_in_path(request), request.url.query
    return f"{named}?{query}" if query else named


def _object(batch: Batch, heard: Reading, request: Request) -> dict[str, Any]:
    gateway: Gateway = request.app.state.gateway
    return rest_object(batch, heard, gateway.clock, address(request), gateway.generation)


def _check_file_provider(request: Request) -> None:
    """Query first, then the headers of both brands; only openai takes files here."""
    headers = request.headers
    asked = request.query_params.get("provider")
    provider = asked or headers.get("x-phaseo-provider") or headers.get("x-ai-stats-provider") or "openai"
    if provider != "openai":
        raise nested(400, "validation_error", "batch_input_mode_not_supported")
