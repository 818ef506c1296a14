"""What every route of the gateway does with a request first, and how it answers (contract 1.1, 1.2)."""

from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from sandbox.account_faults import check_key, check_preview
from sandbox.auth import check_inference_key
from sandbox.errors import NO_STORE
from sandbox.gateway import Gateway


def admitted(request: HTTPConnection) -> Gateway:
    """The gateway, for whoever has the key; else raises the refusal."""
    gateway: Gateway = request.app.state.gateway
    check_inference_key(request.headers.get("authorization"), gateway.api_key)
    check_key(gateway.fault)
    return gateway


def admitted_to_batches(request: Request) -> Gateway:
    """The same for batches and files, which have to be switched on for a workspace."""
    gateway = admitted(request)
    check_preview(gateway.fault, gateway.generation)
    return gateway


def id_in_path(request: Request) -> str:
    """The id as it was written: the gateway does not percent-decode it."""
    place = request.scope["route"].path.split("/").index("{id}")
    return str(request.scope["raw_path"].decode("latin-1").split("/")[place])


def address(request: Request) -> str:
    """The collection's URL under the host and alias that the caller used."""
    collection = request.scope["route"].path.partition("/{id}")[0]
    return f"{request.url.scheme}://{request.url.netloc}{collection}"


def answer(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers=NO_STORE)
