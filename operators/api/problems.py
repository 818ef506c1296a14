"""Refusals, in the form of RFC 9457."""

from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from operators.errors import AmbiguousName, BadInput, Conflict, KeyReused, NoSuchThing, NotPossible, Problem

# What every answer of the API carries: no cache keeps it, no browser guesses at it, shows it or tells of it.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

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
