"""What goes wrong with status answers when a scenario asks for it."""

import asyncio
import json

from starlette.responses import HTMLResponse, Response

from sandbox import ids
from sandbox.errors import native, uncaught
from sandbox.gateway import Gateway
from sandbox.jobs import Job

SLOW = 3.0  # wall seconds, whatever the speed: the caller's patience is not ours to scale
PAGE = "<!doctype html><title>502 Bad Gateway</title><h1>Bad gateway</h1>"


async def dawdle(job: Job, gateway: Gateway) -> None:
    """Three seconds with `status_slow`, cut short when the sandbox shuts down."""
    if "status_slow" not in job.scenario:
        return
    try:
        async with asyncio.timeout(SLOW):
            await gateway.stopping.wait()
    except TimeoutError:
        return


def next_fault(job: Job, gateway: Gateway) -> Response | None:
    """The next of the planned answers, once the job is in progress; the provider is not heard, nothing is noticed."""
    if not job.faults or gateway.clock.lived(job.created_at, gateway.clock.now()) < job.begins:
        return None
    left = len(job.faults)
    match job.faults.popleft():
        case "status_429":
            raise native(429, f"Rate limit reached for {job.plural}.", "rate_limit_exceeded", Retry_After="1")
        case "status_500":
            raise uncaught()
        case "status_provider_404":
            raise native(404, f"No {job.kind} found with id '{job.native_id}'.")
    return _malformed(job, left)


def _malformed(job: Job, turn: int) -> Response:
    """Cut JSON, a page from some proxy, the answer about another job: one after the other."""
    other = ids.batch_id() if job.kind == "batch" else ids.request_id()
    strange = {"id": other, "object": job.kind, "status": "completed", "lifecycle_status": "completed"}
    match turn % 3:
        case 0:
            return Response(f'{{"id":"{job.id}","object":"{job.kind}","sta', media_type="application/json")
        case 1:
            return Response(json.dumps(strange), media_type="application/json")
        case _:
            return HTMLResponse(PAGE)
