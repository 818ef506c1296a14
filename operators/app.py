"""The operators' app: the same queries as the CLI, as JSON, read-only, on its own port and behind a token."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from operators import queries
from operators.errors import AmbiguousName, BadInput, NoSuchThing, NotPossible, Problem
from operators.statuses import read_statuses
from schemas.config import Config
from schemas.words import Category
from storage.engine import StoreAway
from storage.store import Store

log = structlog.get_logger()

LIMIT, MOST = 100, 1000
Page = Callable[[Request], Awaitable[object]]
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
_STATUSES: dict[type[Problem], int] = {BadInput: 400, NoSuchThing: 404, AmbiguousName: 409, NotPossible: 409}


def build_app(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> Starlette:
    """
    Every path below /api/v1 wants `Authorization: Bearer` with the configured token. `configured` answers with the
    configuration that holds now.
    """

    async def live(_: Request) -> Response:
        return PlainTextResponse("alive\n", headers=_HEADERS)

    async def jobs(request: Request) -> object:
        given = [text for name in ("status", "statuses") for text in request.query_params.getlist(name)]
        source, statuses = _one(request, "source"), read_statuses(given, "status")
        async with store.reading() as connection:
            found = await queries.list_jobs(connection, _limit(request), source, statuses)
        return {"jobs": found.rows, "has_more": found.is_cut}

    async def job(request: Request) -> object:
        async with store.reading() as connection:
            return await queries.show_job(connection, configured(), request.path_params["job"], now())

    async def explain(request: Request) -> object:
        async with store.reading() as connection:
            clock = store.engine.lease_clock(now())
            return await queries.explain_job(connection, configured(), request.path_params["job"], now(), clock)

    async def deliveries(request: Request) -> object:
        async with store.reading() as connection:
            found = await queries.list_deliveries(connection, _limit(request), _one(request, "source"))
        return {"deliveries": found.rows, "has_more": found.is_cut}

    async def failures(request: Request) -> object:
        source, category = _one(request, "source"), _one_of(request, "category", list(Category))
        async with store.reading() as connection:
            found = await queries.list_failures(connection, _limit(request), source, category)
        return {"failures": found.rows, "has_more": found.is_cut}

    async def refusals(request: Request) -> object:
        async with store.reading() as connection:
            found = await queries.list_refusals(connection, _limit(request), _one(request, "source"))
        return {"refusals": found.rows, "has_more": found.is_cut}

    async def sources(_: Request) -> object:
        async with store.reading() as connection:
            clock = store.engine.lease_clock(now())
            return {"sources": await queries.list_sources(connection, configured(), now(), clock)}

    pages: dict[str, Page] = {
        "/jobs": jobs,
        "/jobs/{job:path}/explain": explain,
        "/jobs/{job:path}": job,
        "/deliveries": deliveries,
        "/failures": failures,
        "/refusals": refusals,
        "/sources": sources,
        "/{anything:path}": _nothing,
    }
    routes = [Route(f"/api/v1{path}", _guarded(configured, page), methods=["GET"]) for path, page in pages.items()]
    app = Starlette(
        routes=[Route("/livez", live, methods=["GET"]), *routes], exception_handlers={HTTPException: _refused}
    )
    app.router.redirect_slashes = False
    return app


def _guarded(configured: Callable[[], Config], page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for those who have the token. Whatever goes wrong becomes an answer without a word about our insides."""

    async def answer(request: Request) -> Response:
        refusal = _refusal(configured(), request)
        if refusal is not None:
            return refusal
        try:
            return JSONResponse(await page(request), headers=_HEADERS)
        except Problem as problem:
            return _problem(_STATUSES.get(type(problem), 400), str(problem))
        except (StoreAway, DBAPIError) as error:
            log.error("store_trouble", page=request.url.path, error=str(getattr(error, "orig", error)))
            return _problem(503, "the database cannot be read at present; the log says why")
        except Exception:
            log.exception("page_broke", page=request.url.path)
            return _problem(500, "something went wrong here; the log says what")

    return answer


async def _nothing(request: Request) -> object:
    raise NoSuchThing(f"there is nothing at {request.url.path}")


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
    return _problem(status, "only GET is answered here" if status == 405 else "there is nothing here", headers)


def _problem(status: int, detail: str, more: dict[str, str] | None = None) -> Response:
    """A refusal in the form of RFC 9457."""
    headers = {**_HEADERS, **(more or {}), **({"www-authenticate": "Bearer"} if status == 401 else {})}
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _limit(request: Request) -> int:
    wished = request.query_params.get("limit")
    if wished is None:
        return LIMIT
    if not (wished.isascii() and wished.isdigit() and len(wished) <= 6 and 0 < int(wished) <= MOST):
        raise BadInput(f"limit is a number from 1 to {MOST}")
    return int(wished)


def _one(request: Request, name: str) -> str | None:
    return request.query_params.get(name) or None


def _one_of(request: Request, name: str, words: Sequence[str]) -> str | None:
    """A parameter that has to be one of a closed set of words."""
    wished = _one(request, name)
    if wished is not None and wished not in words:
        raise BadInput(f"{name} is one of {', '.join(words)}")
    return wished
