"""How the tagger says no: `detail` in JSON, but for what escapes inside it, which is plain text (contract 1.3, 11)."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.errors import Refused, uncaught

BEARER = {"WWW-Authenticate": "Bearer"}


def refusal(status: int, detail: Any, headers: dict[str, str] | None = None) -> Refused:
    """`detail` is a text; for a 422 it is a list."""
    return Refused(JSONResponse({"detail": detail}, status_code=status, headers=headers))


def unauthorised(detail: str) -> Refused:
    return refusal(401, detail, BEARER)


def job_not_found() -> Refused:
    """About the job. A path that is none has another text."""
    return refusal(404, "Job not found")


async def answer_http_error(_request: Request, trouble: Exception) -> Response:
    """A path or a method that is none: `Not Found`, `Method Not Allowed`."""
    assert isinstance(trouble, HTTPException)  # noqa: S101 - registered for this class only
    return JSONResponse({"detail": trouble.detail}, status_code=trouble.status_code, headers=trouble.headers)


async def answer_store_down(_request: Request, _trouble: Exception) -> Response:
    """Redis is down: the text that says nothing."""
    return uncaught().response
