"""Who may ask, and what becomes of whatever goes wrong: an answer without a word about our insides."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from operators.access import Right, is_closed, right_of
from operators.api.problems import STATUSES, problem
from operators.errors import Problem
from schemas.config import Config
from storage.engine import StoreAway

log = structlog.get_logger()

Responding = Callable[[Request], Awaitable[Response]]


def guarded(configured: Callable[[], Config], right: Right, page: Responding) -> Responding:
    """A page for those whose token allows so much."""

    async def answer(request: Request) -> Response:
        refusal = _refusal(configured(), request, right)
        return await safely(page, request) if refusal is None else refusal

    return answer


async def safely(page: Responding, request: Request) -> Response:
    """Answer by a page; whatever it raises becomes a problem."""
    try:
        return await page(request)
    except HTTPException as error:  # a form that cannot be read
        return problem(error.status_code, error.detail)
    except ClientDisconnect:
        return problem(400, "the request ended early")
    except Problem as error:
        return problem(STATUSES.get(type(error), 400), str(error))
    except (StoreAway, DBAPIError) as error:
        log.error("store_trouble", page=request.url.path, error=str(getattr(error, "orig", error)))
        return problem(503, "the database cannot be read at present; the log says why")
    except Exception:
        log.exception("page_broke", page=request.url.path)
        return problem(500, "something went wrong here; the log says what")


def _refusal(config: Config, request: Request, needed: Right) -> Response | None:
    if is_closed(config):
        return problem(401, "no token is configured; set [operators] token_env and give the token as a bearer")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = right_of(config, given.strip()) if scheme.lower() == "bearer" else None
    if right is None:
        return problem(401, "give the operators' token as `Authorization: Bearer`")
    if right < needed:
        return problem(403, "this token only looks; acting needs the other one, [operators] token_env")
    return None
