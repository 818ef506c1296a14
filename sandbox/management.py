"""The `/v1/webhook-endpoints` routes (contract 4.11): enough to make, look at, change, rotate, delete and test one."""

import json
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.auth import check_management_key
from sandbox.endpoints import Endpoint, new_endpoint, new_secret
from sandbox.errors import NO_STORE, managed
from sandbox.gateway import Gateway
from sandbox.generations import Generation
from sandbox.listing import list_limit
from sandbox.subscriptions import is_listed

ROOT = "/v1/webhook-endpoints"


def management_routes(generation: Generation) -> list[Route]:
    """None in G1, where there are no endpoints to manage."""
    if not generation.has_endpoints:
        return []
    one = f"{ROOT}/{{id}}"
    return [
        Route(ROOT, list_endpoints),
        Route(ROOT, create_endpoint, methods=["POST"]),
        Route(one, get_endpoint),
        Route(one, patch_endpoint, methods=["PATCH"]),
        Route(one, delete_endpoint, methods=["DELETE"]),
        Route(f"{one}/rotate-secret", rotate_secret, methods=["POST"]),
        *([Route(f"{one}/test", test_endpoint, methods=["POST"])] if generation.tests_endpoints else []),
    ]


async def list_endpoints(request: Request) -> Response:
    """Newest first; deleted ones on demand."""
    gateway, asked = _admitted(request), request.query_params
    deleted, offset = asked.get("include_deleted") == "true", asked.get("offset", "0")
    shown = [each for each in reversed(gateway.endpoints.values()) if deleted or each.deleted_at is None]
    start = int(offset) if offset.isdecimal() else 0
    limit = list_limit(asked.get("limit") or "100")
    return _answer({"object": "list", "data": [each.shown() for each in shown[start : start + limit]]})


async def create_endpoint(request: Request) -> Response:
    gateway, asked = _admitted(request), await _document(request)
    name, events = asked.get("name"), _events(asked, gateway.generation)
    made = new_endpoint(name if isinstance(name, str) else None, _url(asked), events, gateway.clock.now())
    gateway.endpoints[made.id] = made
    return _answer(made.shown() | {"signing_secret": made.secret}, 201)


async def get_endpoint(request: Request) -> Response:
    return _answer(_found(request, _admitted(request)).shown())


async def patch_endpoint(request: Request) -> Response:
    """Effective at once, for running batches too: the sender reads the endpoint at every attempt."""
    gateway = _admitted(request)
    endpoint, asked = _found(request, gateway), await _document(request)
    if "url" in asked:
        endpoint.url = _url(asked)
    if (events := _events(asked, gateway.generation)) is not None:
        endpoint.events = events
    if asked.get("status", "active") not in {"active", "disabled"}:
        raise managed(400, "validation_error", "status must be active or disabled")
    endpoint.status = asked.get("status", endpoint.status)
    endpoint.name = asked.get("name", endpoint.name)
    endpoint.updated_at = gateway.clock.now()
    return _answer(endpoint.shown())


async def rotate_secret(request: Request) -> Response:
    """No overlap: the next attempt of anything is signed with the new secret."""
    gateway = _admitted(request)
    endpoint = _found(request, gateway)
    endpoint.secret, endpoint.updated_at = new_secret(), gateway.clock.now()
    return _answer(endpoint.shown() | {"signing_secret": endpoint.secret})


async def test_endpoint(request: Request) -> Response:
    """One delivery of a made-up event, signed like any other, and told in the answer alone."""
    gateway = _admitted(request)
    endpoint = _found(request, gateway)
    event_id, answer = await gateway.sender.send_test(endpoint)
    return _answer(
        {
            "ok": answer.delivered,
            "event_id": event_id,
            "status_code": answer.status,
            "response_body_preview": answer.preview,
            "error": answer.error,
        }
    )


async def delete_endpoint(request: Request) -> Response:
    gateway = _admitted(request)
    endpoint = _found(request, gateway)
    endpoint.deleted_at = gateway.clock.now()
    return _answer({"id": endpoint.id, "object": "webhook_endpoint", "deleted": True})


def _admitted(request: Request) -> Gateway:
    check_management_key(request.headers.get("authorization"))
    gateway: Gateway = request.app.state.gateway
    return gateway


def _found(request: Request, gateway: Gateway) -> Endpoint:
    endpoint = gateway.endpoints.get(request.path_params["id"])
    if endpoint is None or endpoint.deleted_at is not None:
        raise managed(404, "not_found", "Webhook endpoint not found")
    return endpoint


async def _document(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise managed(400, "validation_error", "The body must be JSON") from None
    if not isinstance(asked, dict):
        raise managed(400, "validation_error", "The body must be an object")
    return asked


def _url(asked: dict[str, Any]) -> str:
    """Plain http and loopback are welcome here, which the real sender refuses."""
    url = asked.get("url")
    try:
        good = isinstance(url, str) and urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).hostname)
    except ValueError:
        good = False
    if not good:
        raise managed(400, "validation_error", "url must be an absolute http or https URL")
    return str(url)


def _events(asked: dict[str, Any], generation: Generation) -> list[str] | None:
    """Lower-cased and otherwise taken as they come; in G3 each must be among those that it lists."""
    events = asked.get("events")
    if events is None:
        return None
    if not isinstance(events, list) or not all(isinstance(name, str) for name in events):
        raise managed(400, "validation_error", "events must be a list of names")
    if generation.names_every_event and (strange := [name for name in events if not is_listed(name, generation)]):
        raise managed(400, "validation_error", f"unknown event {strange[0]}")
    return [name.lower() for name in events]


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(body, status_code=status, headers=NO_STORE)
