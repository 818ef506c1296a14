"""`/api/history/...` (contract 9)."""

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.tagger.asking import admitted, backend_of
from sandbox.tagger.bodies import invalid
from sandbox.tagger.errors import job_not_found, refusal
from sandbox.tagger.history import JobRecord

MOST = 100


def history_routes() -> list[Route]:
    return [
        Route("/api/history/jobs", list_jobs),
        Route("/api/history/jobs/{db_job_id}", get_job),
        Route("/api/history/jobs/{db_job_id}", delete_job, methods=["DELETE"]),
    ]


async def list_jobs(request: Request) -> Response:
    """Newest first. `total` is that of all, whatever the filter."""
    backend, user = admitted(request)
    limit, offset = _number(request, "limit", 50, 1, MOST), _number(request, "offset", 0, 0, None)
    word, records = request.query_params.get("status"), backend.history.of_user(user.id)
    shown = [record.shown() for record in records if word in {None, record.status}][offset : offset + limit]
    return JSONResponse({"jobs": shown, "total": len(records), "limit": limit, "offset": offset})


async def get_job(request: Request) -> Response:
    return JSONResponse(_found(request).shown_whole())


async def delete_job(request: Request) -> Response:
    """The job goes on."""
    record = _found(request)
    backend_of(request).history.delete(record.id)
    return JSONResponse({"message": "Job deleted", "success": True})


def _found(request: Request) -> JobRecord:
    backend, user = admitted(request)
    asked = request.path_params["db_job_id"]
    try:
        record = backend.history.found(str(uuid.UUID(asked)))
    except ValueError:
        error = {
            "type": "uuid_parsing",
            "loc": ["path", "job_id"],
            "msg": "Input should be a valid UUID",
            "input": asked,
        }
        raise invalid([error], backend.switches.mode) from None
    if record is None:
        raise job_not_found()
    if record.user_id != user.id:
        raise refusal(403, "Access denied")
    return record


def _number(request: Request, name: str, default: int, least: int, most: int | None) -> int:
    written = request.query_params.get(name)
    if written is None:
        return default
    number = int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else -1
    if number < least or (most is not None and number > most):
        wanted = f"at least {least}" + (f" and at most {most}" if most else "")
        error = {"type": "int_range", "loc": ["query", name], "msg": f"Input should be {wanted}", "input": written}
        raise invalid([error], backend_of(request).switches.mode)
    return number
