"""The API's routes: create, status and cancel, for each of the two families (contract 4)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.connections import NoAnswer
from sandbox.thunderbit import shapes
from sandbox.thunderbit.account import Account
from sandbox.thunderbit.auth import check_key
from sandbox.thunderbit.creation import read_document, read_order, read_scenario_of
from sandbox.thunderbit.errors import Refused, wrong_field
from sandbox.thunderbit.faults import create_fault, status_fault
from sandbox.thunderbit.jobs import answered_snapshot, true_snapshot

KINDS = ("distill", "extract")
PAGE_SIZE, MOST_ROWS = 20, 100
LAST_PAGE = 1_000_000


def api_routes() -> list[Route]:
    return [
        Route("/batch/{kind}", create, methods=["POST"]),
        Route("/batch/{kind}/{id}", get, methods=["GET"]),
        Route("/batch/{kind}/{id}", delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Each call makes a job: there is no idempotency key."""
    account, kind = admitted(request), _kind(request)
    document = read_document(await request.body())
    scenario = read_scenario_of(document, account.switches.scenario)
    order = read_order(document, kind, account.switches)
    if account.switches.credits == "exhausted":
        raise Refused(402, "INSUFFICIENT_CREDITS", "No credits are left")
    if "create_unavailable" in scenario:
        raise Refused(503, "DOWNSTREAM_SERVICE_UNAVAILABLE", "No job was created")
    job = account.create(order, scenario)
    if "webhook_early" in scenario:
        await job.first_told.wait()
    if fault := create_fault(job):
        return fault
    found = true_snapshot(job, account.clock, job.created_at)
    return JSONResponse(shapes.created(job, found, account.switches), account.switches.created_status)


async def get(request: Request) -> Response:
    account = admitted(request)
    job = account.known(request.path_params["id"], _kind(request))
    job.gets += 1
    account.check_kept(job)
    page, size = _whole(request, "page", 0, 0, LAST_PAGE), _whole(request, "pageSize", PAGE_SIZE, 1, MOST_ROWS)
    if fault := status_fault(job, account):
        return fault
    switches = account.switches
    found = answered_snapshot(job, account.clock, account.clock.now(), switches.lag_seconds)
    return JSONResponse(shapes.status_answer(job, found, switches, page, size))


async def delete(request: Request) -> Response:
    account = admitted(request)
    job = account.known(request.path_params["id"], _kind(request))
    job.deletes += 1
    account.check_kept(job)
    if account.cancel(job) and "cancel_unheard" in job.scenario:
        return NoAnswer()
    return JSONResponse({"success": True})


def admitted(request: Request) -> Account:
    """The account, for whoever asks under its base path with its key, and not too often; else raises the refusal."""
    account: Account = request.app.state.account
    if not request.scope["root_path"].endswith(f"/thunderbit{account.switches.base_path}"):
        raise HTTPException(404)
    check_key(request.headers.get("authorization"), account.api_key, account.switches.key)
    account.rate.take(account.switches, account.clock.now())
    return account


def _kind(request: Request) -> str:
    kind = str(request.path_params["kind"])
    if kind not in KINDS:
        raise HTTPException(404)
    return kind


def _whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A number of the query."""
    written = request.query_params.get(name, str(default))
    if not (written.isascii() and written.isdigit() and len(written) <= 9 and least <= int(written) <= most):
        raise wrong_field(name, f"must be a whole number from {least} to {most}")
    return int(written)
