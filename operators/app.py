"""The operators' app: the same queries as the CLI, as JSON, read-only, on its own port and behind a token."""

import hmac
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from operators import queries
from operators.errors import AmbiguousName, NoSuchThing, Problem
from schemas.config import Config
from storage.store import Store

LIMIT, MOST = 100, 1000
Page = Callable[[Request], Awaitable[object]]
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def build_app(config: Config, store: Store, now: Callable[[], int]) -> Starlette:
    """Every path below /api/v1 wants `Authorization: Bearer` with the configured token."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def jobs(request: Request) -> object:
        async with store.reading() as connection:
            found = await queries.list_jobs(connection, _limit(request), request.query_params.get("source"))
        return {"jobs": found.rows, "has_more": found.is_cut}

    async def job(request: Request) -> object:
        async with store.reading() as connection:
            return await queries.show_job(connection, config, request.path_params["job"], now())

    async def explain(request: Request) -> object:
        async with store.reading() as connection:
            return await queries.explain_job(connection, config, request.path_params["job"], now())

    async def deliveries(request: Request) -> object:
        async with store.reading() as connection:
            found = await queries.list_deliveries(connection, _limit(request), request.query_params.get("source"))
        return {"deliveries": found.rows, "has_more": found.is_cut}

    async def failures(request: Request) -> object:
        async with store.reading() as connection:
            found = await queries.list_failures(connection, _limit(request), request.query_params.get("source"))
        return {"failures": found.rows, "has_more": found.is_cut}

    async def refusals(request: Request) -> object:
        async with store.reading() as connection:
            found = await queries.list_refusals(connection, _limit(request), request.query_params.get("source"))
        return {"refusals": found.rows, "has_more": found.is_cut}

    async def sources(_: Request) -> object:
        async with store.reading() as connection:
            return {"sources": await queries.list_sources(connection, config, now())}

    pages: dict[str, Page] = {
        "/jobs": jobs,
        "/jobs/{job:path}/explain": explain,
        "/jobs/{job:path}": job,
        "/deliveries": deliveries,
        "/failures": failures,
        "/refusals": refusals,
        "/sources": sources,
    }
    routes = [Route(f"/api/v1{path}", _guarded(config, page), methods=["GET"]) for path, page in pages.items()]
    return Starlette(routes=[Route("/livez", live, methods=["GET"]), *routes])


def _guarded(config: Config, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        refusal = _refusal(config, request)
        if refusal is not None:
            return refusal
        try:
            return JSONResponse(await page(request), headers=_HEADERS)
        except Problem as problem:
            status = {NoSuchThing: 404, AmbiguousName: 409}.get(type(problem), 400)
            return _problem(status, str(problem))

    return answer


def _refusal(config: Config, request: Request) -> Response | None:
    token = config.operators.token
    if token is None:
        return _problem(401, "no token is configured; set [operators] token_env and give the token as a bearer")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.reveal().encode()):
        return None
    return _problem(401, "give the operators' token as `Authorization: Bearer`")


def _problem(status: int, detail: str) -> Response:
    headers = {**_HEADERS, **({"www-authenticate": "Bearer"} if status == 401 else {})}
    body = {"status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _limit(request: Request) -> int:
    wished = request.query_params.get("limit", "")
    return min(MOST, int(wished)) if wished.isascii() and wished.isdigit() and int(wished[:6]) > 0 else LIMIT
