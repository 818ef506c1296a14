"""The door of each path: who may ask for what there, and what becomes of whatever goes wrong."""

from collections.abc import Callable, Iterable

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from operators.access import Right, is_closed, right_of
from operators.api.operations import Operation
from operators.api.problems import HEADERS, STATUSES, problem
from operators.bounded import Bounded, TooLarge
from operators.errors import Problem
from schemas.config import Config
from storage.engine import StoreAway

log = structlog.get_logger()


class Door:
    """An ASGI app for one path, with an operation for each method that it takes; with none, there is nothing.

    A token is looked at before anything else, so that whoever has none is told the same wherever they ask.
    """

    def __init__(self, configured: Callable[[], Config], operations: Iterable[Operation] = ()) -> None:
        self._configured = configured
        self._by_method = {operation.method: operation for operation in operations}
        if "GET" in self._by_method:
            self._by_method["HEAD"] = self._by_method["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        config = self._configured()
        right = _right(config, request)
        if right is None:
            return _unknown(config)
        if not self._by_method:
            return problem(404, "there is nothing here; /openapi.json says what there is")
        operation = self._by_method.get(request.method)
        if operation is None:
            allowed = ", ".join(sorted(self._by_method))
            return problem(405, f"this takes {allowed}", {"allow": allowed})
        if right < operation.right:
            return problem(403, "this token only looks; acting needs the other one, [operators] token_env")
        return await _safely(operation, request, config)


async def _safely(operation: Operation, request: Request, config: Config) -> Response:
    """The answer of an operation; whatever it raises becomes a problem, without a word about our insides."""
    try:
        return await _answered(operation, request, config)
    except HTTPException as error:  # a form that cannot be read
        return problem(error.status_code, error.detail)
    except TooLarge as error:
        return problem(413, str(error))
    except ClientDisconnect:
        return problem(400, "the request ended early")
    except Problem as error:
        return problem(STATUSES.get(type(error), 400), error.for_asking)
    except (StoreAway, DBAPIError) as error:
        log.error("store_trouble", page=request.url.path, error=str(getattr(error, "orig", error)))
        return problem(503, "the database cannot be read at present; the log says why")
    except Exception:
        log.exception("page_broke", page=request.url.path)
        return problem(500, "something went wrong here; the log says what")


async def _answered(operation: Operation, request: Request, config: Config) -> Response:
    if operation.body is not None:
        bounded = Bounded(request.receive, operation.body.largest(config), operation.body.bound)
        request = Request(request.scope, bounded)
    answer = await operation.respond(request)
    replayed = {"idempotency-replayed": "true"} if answer.replayed else {}
    return JSONResponse(answer.body, answer.http_status, {**HEADERS, **replayed})


def _right(config: Config, request: Request) -> Right | None:
    """What whoever asks may do. A token is taken from nowhere but this header."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return right_of(config, given.strip()) if scheme.lower() == "bearer" else None


def _unknown(config: Config) -> Response:
    if is_closed(config):
        return problem(401, "no token is configured; set [operators] token_env and give the token as a bearer")
    return problem(401, "give the operators' token as `Authorization: Bearer`")
