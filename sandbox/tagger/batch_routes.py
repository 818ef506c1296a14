"""`/api/batch/...`: start, status, commands, active (contract 2, 3, 5, 7, 13)."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.errors import unanswered, uncaught
from sandbox.tagger.asking import admitted
from sandbox.tagger.backend import Backend
from sandbox.tagger.bodies import read_body
from sandbox.tagger.errors import job_not_found, refusal
from sandbox.tagger.orders import order_model
from sandbox.tagger.store import State
from sandbox.tagger.switches import Mode
from sandbox.tagger.times import iso_us

# As documented, in which states a command is taken.
COMMANDS = {"cancel": {"pending", "processing", "paused"}, "pause": {"pending", "processing"}, "resume": {"paused"}}
NEVER_ACTIVE = (":results", ":progress")
DOCUMENTED_MESSAGE = "Batch processing started"


def batch_routes() -> list[Route]:
    return [
        Route("/api/batch/start", start, methods=["POST"]),
        Route("/api/batch/active", active),
        Route("/api/batch/jobs/{job_id}/status", status),
        *(Route(f"/api/batch/jobs/{{job_id}}/{word}", command, methods=["POST"]) for word in COMMANDS),
    ]


async def start(request: Request) -> Response:
    """No check of the id, and none that it is new; as documented an id that is known is a 409."""
    backend, user = admitted(request)
    mode = backend.switches.mode
    order = await read_body(request, order_model(mode), mode)
    if not order.documents:
        raise refusal(400, "No documents provided")
    if not order.config.api_key:
        raise refusal(400, "API key is required")
    if backend.count_down("starts_not_accepted"):
        raise unanswered()
    if mode is Mode.AS_DOCUMENTED and order.job_id and backend.store.read(order.job_id):
        raise refusal(409, "Job already exists")
    run = backend.start(user, order)
    if backend.count_down("starts_lost"):
        raise unanswered()
    total = len(run.documents)
    message = DOCUMENTED_MESSAGE if mode is Mode.AS_DOCUMENTED else f"Started processing of {total} documents"
    return JSONResponse({"job_id": run.job_id, "total_documents": total, "message": message})


async def status(request: Request) -> Response:
    """Of anybody's job."""
    backend, _ = admitted(request)
    job_id = request.path_params["job_id"]
    if backend.asks[job_id]["status"] <= backend.switches.status_failures:
        raise uncaught()
    state = backend.store.read(job_id)
    documented = backend.switches.mode is Mode.AS_DOCUMENTED
    if not state or (documented and "status" not in state):
        raise job_not_found()
    told = _status_of(state, job_id, len(backend.store.results(job_id)))
    return JSONResponse(_as_documented(told) if documented else told)


async def command(request: Request) -> Response:
    """Written into the one slot, whatever is known of the job: an id that is unknown is a ghost from now on."""
    backend, _ = admitted(request)
    job_id, word = request.path_params["job_id"], request.url.path.rpartition("/")[2]
    answer = {"message": f"{word.capitalize()} command sent to job {job_id}"}
    if backend.switches.mode is Mode.AS_DOCUMENTED:
        _check_state(backend, job_id, word)
        answer = {"job_id": job_id} | answer
    backend.store.write(job_id, {"command": word})
    return JSONResponse(answer)


async def active(request: Request) -> Response:
    """The caller's jobs that are `processing`; as documented also those that are `paused`, and when they began."""
    backend, user = admitted(request)
    documented = backend.switches.mode is Mode.AS_DOCUMENTED
    words = {"processing", "paused"} if documented else {"processing"}
    mine = {
        job_id: state
        for job_id, state in backend.store.read_all().items()
        if state.get("user_id") == user.id
        and state.get("status") in words
        and not any(x in job_id for x in NEVER_ACTIVE)
    }
    jobs = [_status_of(state, job_id, 0) for job_id, state in mine.items()]
    for job in jobs:
        del job["results_count"]
    if documented:
        jobs = [_as_documented(job) | {"started_at": _started_at(mine[job["job_id"]])} for job in jobs]
    return JSONResponse({"jobs": jobs})


def _status_of(state: State, job_id: str, results: int) -> dict[str, Any]:
    """The answer of a status ask, made of a hash that may be only part of one (contract 3)."""
    return {
        "job_id": job_id,
        "status": state.get("status", "unknown"),
        "progress": float(state.get("progress", "0")),
        "processed_count": int(state.get("processed_count", "0")),
        "failed_count": int(state.get("failed_count", "0")),
        "total": int(state.get("total", "0")),
        "results_count": results,
    }


def _check_state(backend: Backend, job_id: str, word: str) -> None:
    found = backend.store.read(job_id).get("status")
    if found is None:
        raise job_not_found()
    if found not in COMMANDS[word]:
        raise refusal(409, f"Job is {found}")


def _as_documented(told: dict[str, Any]) -> dict[str, Any]:
    """`total` has another name, and there is no `results_count`."""
    shown = {name: value for name, value in told.items() if name not in {"total", "results_count"}}
    return shown | {"total_documents": told["total"]}


def _started_at(state: State) -> str:
    return iso_us(datetime.fromtimestamp(float(state["start_time"]), UTC))
