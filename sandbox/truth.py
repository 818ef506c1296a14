"""The control surface, `/sandbox/...`: no part of the gateway's wire, no key, for tests and the demo."""

import json
from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.account_faults import read_account_fault
from sandbox.batches import Batch, Reading, reading
from sandbox.errors import flat
from sandbox.events import Event
from sandbox.gateway import Gateway, will_finalize
from sandbox.jobs import Job
from sandbox.quotas import read_quota
from sandbox.result_files import rows_in_files
from sandbox.videos import Video, VideoReading, video_reading

PHASES = ("cancelled", "completed", "created", "expired", "failed")


def control_routes() -> list[Route]:
    return [
        Route("/sandbox/ready", ready),
        Route("/sandbox/truth", truth),
        Route("/sandbox/requests", requests),
        Route("/sandbox/deliver/{job_id}/{phase}", deliver, methods=["POST"]),
        Route("/sandbox/delete/{job_id}", delete, methods=["POST"]),
        Route("/sandbox/fault", fault, methods=["POST"]),
        Route("/sandbox/quota", quota, methods=["POST"]),
    ]


async def ready(_request: Request) -> Response:
    return JSONResponse({"ready": True})


async def truth(request: Request) -> Response:
    """What really became of every job, what was really sent, and what the account claims, in creation order.

    `input_files` says how many batches were made of each file, whatever the create calls were answered.
    """
    gateway: Gateway = request.app.state.gateway
    made_of = Counter(batch.order.input_file_id for batch in gateway.batches.values())
    return JSONResponse(
        {
            "batches": [true_batch(batch, gateway) for batch in gateway.batches.values()],
            "input_files": made_of,
            "videos": [_true_video(video, gateway) for video in gateway.videos.known.values()],
        }
    )


async def requests(request: Request) -> Response:
    """How often the gateway was asked what: by method and path, without their queries."""
    gateway: Gateway = request.app.state.gateway
    return JSONResponse({"requests": dict(sorted(gateway.requests.items()))})


async def deliver(request: Request) -> Response:
    """Send one event once, now, well signed; it shows under `sent` and not in the account."""
    gateway: Gateway = request.app.state.gateway
    job, phase = _owned(request, gateway), request.path_params["phase"]
    if phase not in PHASES or job.webhook is None:
        reason = f"The phase must be one of {', '.join(PHASES)}, and the job must have a webhook."
        return JSONResponse({"error": reason}, status_code=400)
    event = Event(job.kind, phase)
    attempt, answer = await gateway.sender.send_once(job, event)
    return JSONResponse(
        {
            "delivery_key": event.key,
            "attempt": attempt,
            "outcome": answer.outcome,
            "response_status": answer.status,
        }
    )


async def delete(request: Request) -> Response:
    """The gateway forgets the job. Its account here stays."""
    gateway: Gateway = request.app.state.gateway
    job = _owned(request, gateway)
    gateway.delete(job)
    return JSONResponse({"deleted": job.id})


async def fault(request: Request) -> Response:
    """Switch one trouble of the whole account on, or with `none` all of them off: JSON `{"fault": word}`."""
    gateway: Gateway = request.app.state.gateway
    try:
        asked = json.loads(await request.body())
        gateway.fault = read_account_fault(asked.get("fault") if isinstance(asked, dict) else None, gateway.generation)
    except (ValueError, RecursionError) as trouble:
        return JSONResponse({"error": str(trouble)}, status_code=400)
    return JSONResponse({"fault": gateway.fault})


async def quota(request: Request) -> Response:
    """Set how much may be uploaded: JSON with one limit or both, answered with both."""
    gateway: Gateway = request.app.state.gateway
    uploads = gateway.files.uploads
    if not gateway.generation.has_upload_limits:
        return JSONResponse({"error": f"Uploads have no quotas in {gateway.generation.name}."}, status_code=400)
    try:
        uploads.quota = read_quota(await request.body(), uploads.quota)
    except ValueError as trouble:
        return JSONResponse({"error": str(trouble)}, status_code=400)
    return JSONResponse(uploads.quota.shown())


def _owned(request: Request, gateway: Gateway) -> Job:
    if (job := gateway.owned(request.path_params["job_id"])) is None:
        raise flat("not_found", "sandbox_job_not_found")
    return job


def true_batch(batch: Batch, gateway: Gateway) -> dict[str, Any]:
    """`rows` is what can be found in the files of a batch that is done."""
    found = reading(batch, gateway.clock, gateway.clock.now())
    rows = rows_in_files(batch, found) if found.terminal else None
    return _true_account(batch, found, late=will_finalize(batch)) | {"rows": rows}


def _true_video(video: Video, gateway: Gateway) -> dict[str, Any]:
    return _true_account(video, video_reading(video, gateway.clock, gateway.clock.now()))


def _true_account(job: Job, found: Reading | VideoReading, *, late: bool = False) -> dict[str, Any]:
    """`done`: the status is final. `settled`: besides, nothing is left to notice, to appear or to send.

    Nothing is left of a deleted job but what is on its way. `sockets` counts those that were opened.
    """
    over = job.is_deleted or (found.terminal and job.noticed_at is not None and not late)
    return {
        "job_id": job.id,
        "kind": job.kind,
        "scenario": job.scenario.text,
        "status": found.status,
        "done": found.terminal,
        "settled": over and not job.deliveries_open,
        "gets": job.gets,
        "cancels": job.cancels,
        "sockets": job.sockets,
        "deleted": job.is_deleted,
        "sent": job.sent,
        "recorded": job.account.history,
    }
