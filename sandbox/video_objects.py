"""A video as REST shows it and as webhooks and sockets carry it (contract 3.8, 3.10, 4.5).

The contract lists the members of the push object. Of the REST object it says only what is different there: another word for
work in progress, no `cancel_url`, unix seconds. So the REST object is the push object with these changes, without the
diagnostics and the bookkeeping; its `error` of a video that failed is as OpenAI has it. Both are what the sandbox makes of
silence where the contract names a member and no value.
"""

from datetime import datetime
from typing import Any

from sandbox.billing import push_billing
from sandbox.clock import iso_ms, iso_stored, unix
from sandbox.generations import Generation
from sandbox.links import DownloadLinks
from sandbox.push_objects import bookkeeping, lifecycle, upstream_error, webhook_state
from sandbox.videos import NANOS, SECONDS, Video, VideoReading

WHY = {
    "failed": ("model_unavailable", "The model went away while the video was being made."),
    "expired": ("video_expired", "The video was not made in time."),
}
PUBLIC = {"in_progress": "processing"}
LIFECYCLES = {"queued": "pending", "in_progress": "running"}


def rest_video(
    video: Video, heard: VideoReading, address: str, generation: Generation, links: DownloadLinks, now: datetime
) -> dict[str, Any]:
    """Create and get. `address` is the collection's URL as the caller wrote it, alias and host included."""
    url = f"{address}/{video.id}"
    why = WHY.get(heard.status)
    return (
        {"id": video.id, "object": "video", "status": heard.status}
        | lifecycle(video, LIFECYCLES.get(heard.status, heard.status))
        | {"progress": heard.progress, "created_at": unix(video.created_at)}
        | _who(video)
        | {"prompt": video.order.prompt, "metadata": video.order.metadata, "polling_url": url, "cancel_url": None}
        | _content(video, heard, f"{url}/content", links, now)
        | _measures(heard)
        | {"error": {"code": why[0], "message": why[1]} if why else None}
        | webhook_state(video, generation)
    )


def push_video(
    video: Video, base: str, generation: Generation, links: DownloadLinks, now: datetime, bucket: int | None = None
) -> dict[str, Any]:
    """URLs stand on `base`; `bucket` is the progress of a progress event, which G1a left as the provider said it."""
    stored, url = video.stored, f"{base}/v1/videos/{video.id}"
    stepped = bucket is not None and generation.tells_progress_in_steps
    return (
        {"id": video.id, "object": "video", "kind": "video", "status": PUBLIC.get(stored.status, stored.status)}
        | lifecycle(video, LIFECYCLES.get(stored.status, stored.status))
        | {"progress": bucket if stepped else stored.progress}
        | _who(video)
        | {
            "polling_url": url,
            "websocket_url": f"ws{base.removeprefix('http')}/v1/async/video/{video.id}/ws",
            "cancel_url": None if stored.terminal else f"{url}/cancel",
        }
        | _content(video, stored, f"{url}/content", links, now)
        | _measures(stored)
        | webhook_state(video, generation)
        | {"key_source": "gateway", "byok_key_id": None, "reservation_id": None, "reservation_status": None}
        | bookkeeping(video)
        | {
            "finalized_at": iso_ms(video.noticed_at) if video.noticed_at else None,
            "last_polled_at": iso_ms(video.polled_at) if video.polled_at else None,
            "polled_status": video.polled_status,
            "last_reconciled_at": iso_ms(video.polled_at) if video.polled_at else None,
            "upstream_error": upstream_error(WHY.get(stored.status)),
            "provider_failure_diagnostics": None,
            "routing_diagnostics": None,
            "provider_enablement": None,
            "provider_candidate_diagnostics": None,
            "failure_sample": None,
            "pricing_breakdown": None,
            "billing": _billing(video),
            "created_at": iso_stored(video.created_at),
            "updated_at": iso_stored(video.updated_at),
        }
    )


def _who(video: Video) -> dict[str, Any]:
    return {
        "request_id": video.request_id,
        "native_id": video.native_id,
        "session_id": None,
        "app_id": None,
        "provider": "openai",
        "model": video.order.model,
    }


def _content(video: Video, found: VideoReading, url: str, links: DownloadLinks, now: datetime) -> dict[str, Any]:
    """Where it is, always; and once it is there, a link that opens without a key, made anew each time."""
    if found.status != "completed":
        return {"content_url": url}
    query, expires = links.query(video.id, now)
    return {"content_url": url, "download_url": f"{url}?{query}", "expires_at": expires}


def _measures(found: VideoReading) -> dict[str, Any]:
    made = found.status == "completed"
    return {
        "duration_seconds": SECONDS if made else None,
        "duration_ms": SECONDS * 1000 if made else None,
        "total_duration_ms": None,
        "latency_ms": None,
        "generation_ms": None,
        "resolution": "1280x720",
        "quality": None,
        "output_access": None,
    }


def _billing(video: Video) -> dict[str, Any]:
    nanos = None if video.noticed_at is None else NANOS if video.stored.status == "completed" else 0
    billing = push_billing(nanos, video.noticed_at, "no_output")
    return {name: value for name, value in billing.items() if not name.startswith("estimation_")}
