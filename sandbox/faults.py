"""What goes wrong with status answers when a scenario asks for it."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import HTMLResponse, Response

from sandbox import ids
from sandbox.errors import Refused, flat, native, nested, uncaught
from sandbox.gateway import Gateway
from sandbox.jobs import Job

SLOW = 3.0  # wall seconds, whatever the speed: the caller's patience is not ours to scale
PAGE = "<!doctype html><title>502 Bad Gateway</title><h1>Bad gateway</h1>"


async def dawdle(job: Job, gateway: Gateway) -> None:
    """Three seconds with `status_slow`, cut short when the sandbox shuts down."""
    if "status_slow" not in job.scenario:
        return
    await wait(gateway, SLOW)


async def wait(gateway: Gateway, seconds: float) -> bool:
    """So many seconds of the wall, cut short when the sandbox shuts down: whether it was."""
    try:
        async with asyncio.timeout(seconds):
            await gateway.stopping.wait()
    except TimeoutError:
        return False
    return True


def next_fault(job: Job, gateway: Gateway) -> Response | None:
    """The next of the planned answers, once the job is in progress; the provider is not heard, nothing is noticed."""
    now = gateway.clock.now()
    if not job.faults or gateway.clock.lived(job.created_at, now) < job.begins:
        return None
    left = len(job.faults)
    word = job.faults.popleft()
    if word == "status_malformed":
        return _malformed(job, left)
    if word == "status_429_date":
        raise _rate_limited(job, Retry_After=format_datetime(now + timedelta(seconds=1), usegmt=True))
    raise REFUSALS[word](job)


def _rate_limited(job: Job, **headers: str) -> Refused:
    return native(429, f"Rate limit reached for {job.plural}.", "rate_limit_exceeded", **headers)


def _not_stored(job: Job) -> Refused:
    """The contract names the word and not its place in the envelope: type and reason are both that word."""
    word = "async_job_persistence_failed"
    return nested(502, word, word, "The answer of the provider could not be stored.", **{f"{job.kind}_id": job.id})


def _denied(job: Job) -> Refused:
    context: dict[str, Any] = {f"{job.kind}_id": job.id}
    return flat("not_found", f"{job.kind}_not_found_or_not_owned", **context)


REFUSALS: dict[str, Callable[[Job], Refused]] = {
    "status_429": lambda job: _rate_limited(job, Retry_After="1"),
    "status_429_bare": _rate_limited,
    "status_500": lambda _: uncaught(),
    "status_provider_401": lambda _: native(401, "Incorrect API key provided."),
    "status_provider_403": lambda _: native(403, "The project of this API key has no access here."),
    "status_provider_404": lambda job: native(404, f"No {job.kind} found with id '{job.native_id}'."),
    "status_denied": _denied,
    "status_gateway_502": _not_stored,
}


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
