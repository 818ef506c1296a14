"""Refusals, in the form of RFC 9457."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from operators.errors import AmbiguousName, BadInput, Conflict, KeyReused, NoSuchThing, NotPossible, Problem

# What every answer of the app carries: no cache keeps it, and no browser guesses at it or tells of it.
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}

STATUSES: dict[type[Problem], int] = {
    BadInput: 400,
    NoSuchThing: 404,
    AmbiguousName: 409,
    NotPossible: 409,
    Conflict: 409,
    KeyReused: 422,
}


def problem(status: int, detail: str, more: dict[str, str] | None = None) -> Response:
    headers = {**HEADERS, **(more or {}), **({"www-authenticate": "Bearer"} if status == 401 else {})}
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def refused(_: Request, status: int, headers: dict[str, str]) -> Response:
    """What the router itself refuses: an unknown path, a method that it does not take."""
    what = "GET is answered here, and POST at /api/v1/jobs" if status == 405 else "there is nothing here"
    return problem(status, what, headers)
