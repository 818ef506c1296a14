"""The control surface, `/tagger/sandbox/...`: no part of the tagger's wire, no token, for tests and the demo."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.tagger.asking import backend_of
from sandbox.tagger.backend import Backend
from sandbox.tagger.runs import Run
from sandbox.tagger.switches import read_switches


def control_routes() -> list[Route]:
    return [
        Route("/sandbox/truth", truth),
        Route("/sandbox/switches", show_switches),
        Route("/sandbox/switches", set_switches, methods=["POST"]),
        Route("/sandbox/stop", stop, methods=["POST"]),
        Route("/sandbox/kill", kill, methods=["POST"]),
        Route("/sandbox/lose", lose_all, methods=["POST"]),
        Route("/sandbox/lose/{job_id:path}", lose, methods=["POST"]),
        Route("/sandbox/expire/{job_id:path}", expire, methods=["POST"]),
        Route("/sandbox/revoke/{kind}", revoke, methods=["POST"]),
    ]


async def show_switches(request: Request) -> Response:
    return JSONResponse(backend_of(request).switches.model_dump(mode="json"))


async def set_switches(request: Request) -> Response:
    """Answered with all of them."""
    backend = backend_of(request)
    try:
        backend.switches = read_switches(await request.body(), backend.switches)
    except ValueError as trouble:
        return JSONResponse({"error": str(trouble)}, status_code=400)
    return await show_switches(request)


async def stop(request: Request) -> Response:
    """A graceful stop and a start at once; answered with the jobs that it cancelled."""
    backend = backend_of(request)
    return JSONResponse({"stopped": _open_jobs(backend, backend.stop)})


async def kill(request: Request) -> Response:
    """A hard kill and a start at once; answered with the jobs whose workers are gone."""
    backend = backend_of(request)
    return JSONResponse({"killed": _open_jobs(backend, backend.kill)})


async def lose_all(request: Request) -> Response:
    """Redis comes back empty. Workers live on."""
    backend = backend_of(request)
    lost = list(backend.store.peek_all())
    backend.store.drop_all()
    return JSONResponse({"lost": lost})


async def lose(request: Request) -> Response:
    """State and results of one job."""
    backend, job_id = backend_of(request), request.path_params["job_id"]
    if job_id not in backend.store.peek_all():
        return _no_state(job_id)
    backend.store.drop_state(job_id)
    backend.store.drop_results(job_id)
    return JSONResponse({"lost": [job_id]})


async def expire(request: Request) -> Response:
    """The state's time is up. The results live longer, as they do at the tagger."""
    backend, job_id = backend_of(request), request.path_params["job_id"]
    if job_id not in backend.store.peek_all():
        return _no_state(job_id)
    backend.store.drop_state(job_id)
    return JSONResponse({"expired": job_id})


async def revoke(request: Request) -> Response:
    """No access token, or no refresh token, that was given so far is good any more."""
    accounts, kind = backend_of(request).accounts, request.path_params["kind"]
    ways = {"access": accounts.revoke_access_tokens, "refresh": accounts.revoke_refresh_tokens}
    if kind not in ways:
        return JSONResponse({"error": f"There are access and refresh tokens, and no {kind} tokens."}, status_code=404)
    ways[kind]()
    return JSONResponse({"revoked": kind})


async def truth(request: Request) -> Response:
    """What really became of every run, in the order of their starts, and what the tagger was asked.

    `ghosts` are ids that have a state and were never started here.
    """
    backend = backend_of(request)
    known = {run.job_id for run in backend.runs}
    return JSONResponse(
        {
            "jobs": [_true_run(run, backend) for run in backend.runs],
            "ghosts": [job_id for job_id in backend.store.peek_all() if job_id not in known],
            "asks": backend.load.asks,
            "logins": backend.accounts.logins,
            "refreshes": backend.accounts.refreshes,
            "most_at_once": backend.load.most_at_once,
        }
    )


def _true_run(run: Run, backend: Backend) -> dict[str, Any]:
    """`told` is what a status ask is answered now. `lost`: nothing, or only part of what there was."""
    state = backend.store.peek_all().get(run.job_id, {})
    return run.shown() | {
        "told": state.get("status", "unknown") if state else None,
        "lost": "total" not in state,
        "asks": backend.asks.get(run.job_id, Counter()),
    }


def _open_jobs(backend: Backend, end: Callable[[], None]) -> list[str]:
    jobs = [run.job_id for run in backend.runs if run.is_open]
    end()
    return jobs


def _no_state(job_id: str) -> Response:
    return JSONResponse({"error": f"There is no state of job {job_id}; see /tagger/sandbox/truth."}, status_code=404)
