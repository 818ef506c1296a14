"""The operators' app: the same queries as the CLI, as JSON, and work for applications to ask for, on its own port and behind
a token."""

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from operators.applying import Answer, Applying
from operators.bounded import Bounded, TooLarge
from operators.dashboard.routes import routes as dashboard_routes
from operators.errors import AmbiguousName, BadInput, Conflict, KeyReused, NoSuchThing, NotPossible, Problem
from operators.pages import Page, Pages
from schemas.config import Config
from storage.engine import StoreAway
from storage.store import Store

log = structlog.get_logger()

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
_STATUSES: dict[type[Problem], int] = {
    BadInput: 400,
    NoSuchThing: 404,
    AmbiguousName: 409,
    NotPossible: 409,
    Conflict: 409,
    KeyReused: 422,
}


async def _live(_: Request) -> Response:
    return PlainTextResponse("alive\n", headers=_HEADERS)


def build_app(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> Starlette:
    """
    Every path below /api/v1 wants `Authorization: Bearer` with the configured token. `configured` answers with the
    configuration that holds now.
    """

    pages = Pages(configured, store, now).by_path()
    routes = [
        Route(f"/api/v1{path}", _guarded(configured, _told(page)), methods=["GET"]) for path, page in pages.items()
    ]
    applying = Applying(configured, store, now)
    posted = _guarded(configured, _answered(applying.post_job, configured))
    routes.insert(0, Route("/api/v1/jobs", posted, methods=["POST"]))
    app = Starlette(
        routes=[Route("/livez", _live, methods=["GET"]), *routes, *dashboard_routes(configured, store, now)],
        exception_handlers={HTTPException: _refused},
    )
    app.router.redirect_slashes = False
    return app


Responding = Callable[[Request], Awaitable[Response]]


def _told(page: Page) -> Responding:
    async def respond(request: Request) -> Response:
        return JSONResponse(await page(request), headers=_HEADERS)

    return respond


def _answered(post: Callable[[Request], Awaitable[Answer]], configured: Callable[[], Config]) -> Responding:
    async def respond(request: Request) -> Response:
        bounded = Bounded(request.receive, configured().operators.max_upload_bytes)
        try:
            answer = await post(Request(request.scope, bounded))
        except TooLarge:
            return _problem(413, f"the request is larger than [operators] max_upload_bytes, {bounded.limit} bytes")
        replayed = {"idempotency-replayed": "true"} if answer.replayed else {}
        return JSONResponse(answer.body, answer.http_status, {**_HEADERS, **replayed})

    return respond


def _guarded(configured: Callable[[], Config], page: Responding) -> Responding:
    """A page for those who have the token. Whatever goes wrong becomes an answer without a word about our insides."""

    async def answer(request: Request) -> Response:
        refusal = _refusal(configured(), request)
        if refusal is not None:
            return refusal
        try:
            return await page(request)
        except HTTPException as error:  # a form that cannot be read
            return _problem(error.status_code, error.detail)
        except ClientDisconnect:
            return _problem(400, "the request ended early")
        except Problem as problem:
            return _problem(_STATUSES.get(type(problem), 400), str(problem))
        except (StoreAway, DBAPIError) as error:
            log.error("store_trouble", page=request.url.path, error=str(getattr(error, "orig", error)))
            return _problem(503, "the database cannot be read at present; the log says why")
        except Exception:
            log.exception("page_broke", page=request.url.path)
            return _problem(500, "something went wrong here; the log says what")

    return answer


def _refusal(config: Config, request: Request) -> Response | None:
    token = config.operators.token
    if token is None:
        return _problem(401, "no token is configured; set [operators] token_env and give the token as a bearer")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.reveal().encode()):
        return None
    return _problem(401, "give the operators' token as `Authorization: Bearer`")


async def _refused(_: Request, error: Exception) -> Response:
    """What the router itself refuses: an unknown path, another method than GET."""
    status, headers = 404, {}
    if isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
    what = "GET is answered here, and POST at /api/v1/jobs" if status == 405 else "there is nothing here"
    return _problem(status, what, headers)


def _problem(status: int, detail: str, more: dict[str, str] | None = None) -> Response:
    """A refusal in the form of RFC 9457."""
    headers = {**_HEADERS, **(more or {}), **({"www-authenticate": "Bearer"} if status == 401 else {})}
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
