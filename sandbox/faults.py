"""What goes wrong with status answers when a scenario asks for it."""

import asyncio
import json

from starlette.responses import HTMLResponse, Response

from sandbox import ids
from sandbox.batches import Batch
from sandbox.errors import native, uncaught
from sandbox.gateway import Gateway
from sandbox.life import VALIDATING

SLOW = 3.0  # wall seconds, whatever the speed: the caller's patience is not ours to scale
PAGE = "<!doctype html><title>502 Bad Gateway</title><h1>Bad gateway</h1>"


async def dawdle(batch: Batch, gateway: Gateway) -> None:
    """Three seconds with `status_slow`, cut short when the sandbox shuts down."""
    if "status_slow" not in batch.scenario:
        return
    try:
        async with asyncio.timeout(SLOW):
            await gateway.stopping.wait()
    except TimeoutError:
        return


def next_fault(batch: Batch, gateway: Gateway) -> Response | None:
    """The next of the planned answers, once the batch is in progress; the provider is not heard, nothing is noticed."""
    if not batch.faults or gateway.clock.lived(batch.created_at, gateway.clock.now()) < VALIDATING:
        return None
    left = len(batch.faults)
    match batch.faults.popleft():
        case "status_429":
            raise native(429, "Rate limit reached for batches.", "rate_limit_exceeded", Retry_After="1")
        case "status_500":
            raise uncaught()
        case "status_provider_404":
            raise native(404, f"No batch found with id '{batch.native_id}'.")
    return _malformed(batch, left)


def _malformed(batch: Batch, turn: int) -> Response:
    """Cut JSON, a page from some proxy, the answer about another batch: one after the other."""
    strange = {"id": ids.batch_id(), "object": "batch", "status": "completed", "lifecycle_status": "completed"}
    match turn % 3:
        case 0:
            return Response(f'{{"id":"{batch.id}","object":"batch","sta', media_type="application/json")
        case 1:
            return Response(json.dumps(strange), media_type="application/json")
        case _:
            return HTMLResponse(PAGE)
