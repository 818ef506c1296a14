"""The routes of the API: which path is answered by what, and which token it takes."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from operators.access import Right
from operators.api.guarding import Responding, guarded
from operators.api.pages import Page, Pages
from operators.api.problems import HEADERS, problem
from operators.applying import Answer, Applying
from operators.bounded import Bounded, TooLarge
from schemas.config import Config
from storage.store import Store


def routes(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> list[Route]:
    """Every path below /api/v1 wants a token as `Authorization: Bearer`: reading either, acting the one that may."""
    applying = Applying(configured, store, now)
    posted = guarded(configured, Right.ACT, _answered(applying.post_job, configured))
    pages = Pages(configured, store, now).by_path()
    return [
        Route("/api/v1/jobs", posted, methods=["POST"]),
        *(
            Route(f"/api/v1{path}", guarded(configured, Right.READ, _told(page)), methods=["GET"])
            for path, page in pages.items()
        ),
    ]


def _told(page: Page) -> Responding:
    async def respond(request: Request) -> Response:
        return JSONResponse(await page(request), headers=HEADERS)

    return respond


def _answered(post: Callable[[Request], Awaitable[Answer]], configured: Callable[[], Config]) -> Responding:
    async def respond(request: Request) -> Response:
        bounded = Bounded(request.receive, configured().operators.max_upload_bytes)
        try:
            answer = await post(Request(request.scope, bounded))
        except TooLarge:
            return problem(413, f"the request is larger than [operators] max_upload_bytes, {bounded.limit} bytes")
        replayed = {"idempotency-replayed": "true"} if answer.replayed else {}
        return JSONResponse(answer.body, answer.http_status, {**HEADERS, **replayed})

    return respond
