"""What goes wrong with answers when a scenario asks for it."""

import asyncio
import json
from collections.abc import Callable

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.connections import NoAnswer
from sandbox.thunderbit.account import Account
from sandbox.thunderbit.errors import Refused, error_page, job_not_found
from sandbox.thunderbit.jobs import Job

SILENCE = 60.0  # wall seconds, whatever the speed: the caller's patience is not ours to scale


class Silence(NoAnswer):
    """Keeps the caller waiting until one of both hangs up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(SILENCE):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await super().__call__(scope, receive, send)


REFUSALS: dict[str, Callable[[Job], Refused]] = {
    "status_404": lambda job: job_not_found(job.id),
    "status_target_429": lambda _: Refused(429, "SCRAPE_TARGET_RATE_LIMITED", "The site takes no more requests"),
    "status_402": lambda _: Refused(402, "INSUFFICIENT_CREDITS", "No credits are left"),
    "status_408": lambda _: Refused(408, "REQUEST_TIMEOUT", "The request took too long"),
    "status_500": lambda _: internal_error(),
}


def internal_error() -> Refused:
    return Refused(500, "INTERNAL_ERROR", "Something went wrong")


def status_fault(job: Job, account: Account) -> Response | None:
    """The next of the planned answers, or None once all have been given."""
    if not job.faults:
        return None
    word, turn = job.faults.popleft()
    match word:
        case "status_429":
            raise account.rate.exceeded(account.switches, account.clock.now())
        case "status_502":
            return error_page(502)
        case "status_page_404":
            return error_page(404)
        case "status_malformed":
            return _malformed(job, turn)
        case "status_cut":
            return NoAnswer()
        case "status_silent":
            return Silence()
    raise REFUSALS[word](job)


def create_fault(job: Job) -> Response | None:
    """What the caller gets to hear of a job that lives, if not the truth."""
    if "create_lost" in job.scenario:
        return NoAnswer()
    if "create_uncaught" in job.scenario:
        raise internal_error()
    return _cut(job) if "create_malformed" in job.scenario else None


def _malformed(job: Job, turn: int) -> Response:
    """One after the other."""
    other = {"id": f"{job.id}0", "status": "COMPLETED", "total": 1, "completed": 1, "failed": 0, "results": []}
    match turn % 3:
        case 0:
            return _cut(job)
        case 1:
            return HTMLResponse("<!doctype html><title>Just a moment</title>")
        case _:
            return Response(json.dumps({"success": True, "data": other}), media_type="application/json")


def _cut(job: Job) -> Response:
    """Cut before the id is whole."""
    return Response(f'{{"success":true,"data":{{"id":"{job.id[:10]}', media_type="application/json")
