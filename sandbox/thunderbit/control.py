"""The control surface, `/thunderbit/sandbox/...`: no part of Thunderbit's wire, no key, for tests and the demo."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.thunderbit.account import Account
from sandbox.thunderbit.jobs import Job, true_snapshot
from sandbox.thunderbit.switches import read_switches


def control_routes() -> list[Route]:
    return [
        Route("/sandbox/truth", truth),
        Route("/sandbox/switches", show_switches, methods=["GET"]),
        Route("/sandbox/switches", set_switches, methods=["POST"]),
        Route("/sandbox/deliver/{id}", deliver, methods=["POST"]),
        Route("/sandbox/delete/{id}", delete, methods=["POST"]),
    ]


async def truth(request: Request) -> Response:
    """What really became of every job and what was really sent, in creation order."""
    account = _account(request)
    return JSONResponse({"jobs": [true_job(job, account) for job in account.jobs.values()]})


async def show_switches(request: Request) -> Response:
    return JSONResponse(_account(request).switches.model_dump())


async def set_switches(request: Request) -> Response:
    """Set those that are named; answered with all."""
    account = _account(request)
    try:
        account.switches = read_switches(await request.body(), account.switches)
    except ValueError as trouble:
        return JSONResponse({"error": str(trouble)}, status_code=400)
    return JSONResponse(account.switches.model_dump())


async def deliver(request: Request) -> Response:
    """Send the webhook of a job that is over once more, now, true and well signed."""
    account = _account(request)
    job = account.jobs.get(request.path_params["id"])
    if job is None:
        return _unknown(request)
    if job.order.webhook is None or not job.is_over(account.clock, account.clock.now()):
        return JSONResponse({"error": "The job must be over and have a webhook."}, status_code=400)
    answer = await account.sender.send_once(job, job.order.webhook)
    return JSONResponse({"outcome": answer.outcome, "response_status": answer.status})


async def delete(request: Request) -> Response:
    """Forget the job: from now on it is not found. What was sent of it stays in the truth."""
    account = _account(request)
    job = account.jobs.get(request.path_params["id"])
    if job is None:
        return _unknown(request)
    account.forget(job)
    return JSONResponse({"deleted": job.id})


def true_job(job: Job, account: Account) -> dict[str, Any]:
    """`done`: the status is final. `settled`: besides, nothing is left to send. `cancels` counts the DELETEs."""
    found, choice = true_snapshot(job, account.clock, account.clock.now()), job.order.webhook
    return {
        "job_id": job.id,
        "kind": job.order.kind,
        "scenario": job.scenario.text,
        "status": found.status,
        "done": found.terminal,
        "settled": job.is_at_rest,
        "rows": [{"url": row.url, "outcome": row.status, "error": row.error} for row in found.rows],
        "credits": found.credits,
        "gets": job.gets,
        "cancels": job.deletes,
        "deleted": job.is_deleted,
        "webhook_url": choice.url if choice else None,
        "sent": job.sent,
    }


def _account(request: Request) -> Account:
    account: Account = request.app.state.account
    return account


def _unknown(request: Request) -> Response:
    return JSONResponse({"error": f"There is no job {request.path_params['id']}."}, status_code=404)
