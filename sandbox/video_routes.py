"""The gateway's routes for videos (contract 1.1, 4.5). There is no list, and a cancel is always refused.

The contract says little of the create call. Here it takes `model`, `prompt`, `metadata`, and a webhook in the forms of a
batch's; the reasons of its refusals are named after a batch's, which is our guess.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import faults
from sandbox.account_faults import check_video_funds
from sandbox.asking import address, admitted, answer, id_in_path
from sandbox.creation import read_document, read_metadata, read_scenario_of
from sandbox.endpoints import Endpoint
from sandbox.errors import flat
from sandbox.files import body_within
from sandbox.gateway import Gateway
from sandbox.generations import Generation
from sandbox.video_objects import rest_video
from sandbox.videos import Video, VideoOrder, VideoReading, video_reading
from sandbox.webhook_forms import read_webhook

ROOTS = ("/v1/videos", "/v1/video/generations")


def video_routes() -> list[Route]:
    return [route for root in ROOTS for route in _routes(root)]


def _routes(root: str) -> list[Route]:
    one = f"{root}/{{id}}"
    return [
        Route(root, create_video, methods=["POST"]),
        Route(one, get_video),
        Route(f"{one}/content", get_video_content),
        Route(f"{one}/cancel", cancel_video, methods=["POST"]),
    ]


async def create_video(request: Request) -> Response:
    gateway = admitted(request)
    declared = request.headers.get("content-length")
    document = read_document(await body_within(request.stream(), declared, "video_body_too_large"))
    named = read_scenario_of(document, "video", gateway.generation)
    order = read_video_order(document, gateway.endpoints, gateway.generation)
    check_video_funds(gateway.fault)
    video = gateway.videos.create(order, gateway.scenario_for(named, "video"))
    return answer(_object(video, video.stored, request))


def read_video_order(document: dict[str, Any], endpoints: dict[str, Endpoint], generation: Generation) -> VideoOrder:
    """Validate the create call; members that are not known are passed over."""
    model, prompt = document.get("model"), document.get("prompt")
    if not isinstance(model, str) or not model:
        raise flat("model_required", "model_required")
    if not isinstance(prompt, str) or not prompt:
        raise flat("validation_error", "missing_video_prompt")
    metadata = read_metadata(document.get("metadata"), "invalid_video_metadata")
    return VideoOrder(model, prompt, metadata, read_webhook(document, "video", endpoints, generation))


async def get_video(request: Request) -> Response:
    """Asks the provider, and so may be what sends its webhooks. A query string does no harm here."""
    gateway = admitted(request)
    video = gateway.videos.find(id_in_path(request))
    video.gets += 1
    await faults.dawdle(video, gateway)
    if fault := faults.next_fault(video, gateway):
        return fault
    return answer(_object(video, gateway.videos.ask(video), request))


async def get_video_content(request: Request) -> Response:
    """The film, once it is there: with the key, or by a download link without."""
    gateway: Gateway = request.app.state.gateway
    video_id, asked, now = id_in_path(request), request.query_params, gateway.clock.now()
    if not gateway.links.opens(video_id, asked.get("expires", ""), asked.get("signature", ""), now):
        admitted(request)
    video = gateway.videos.find(video_id)
    if video_reading(video, gateway.clock, now).status != "completed":
        raise flat("not_ready", "video_content_not_ready", video_id=video.id)
    return Response(_film(video), media_type="video/mp4")


async def cancel_video(request: Request) -> Response:
    gateway, video_id = admitted(request), id_in_path(request)
    if video := gateway.videos.known.get(video_id):
        video.cancels += 1
    raise flat("not_implemented_yet", "video_cancellation_disabled", video_id=video_id)


def _object(video: Video, heard: VideoReading, request: Request) -> dict[str, Any]:
    gateway: Gateway = request.app.state.gateway
    return rest_video(video, heard, address(request), gateway.generation, gateway.links, gateway.clock.now())


def _film(video: Video) -> bytes:
    """An MP4 file without a picture: the box that says what it is, and one with the prompt to pass over."""
    said = video.order.prompt.encode("utf-8", "replace")
    kind = b"ftypmp42\0\0\0\0mp42isom"
    return b"".join(len(box + b"size").to_bytes(4, "big") + box for box in (kind, b"free" + said))
