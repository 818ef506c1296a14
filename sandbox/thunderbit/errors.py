"""How Thunderbit says no (contract 8): one error, and the forms in which its deployments and pages write it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

PAGE = "<!doctype html><title>{status}</title><h1>{status}</h1>"


class Refused(Exception):
    """Raised anywhere under a handler. `details` may say which field is wrong: `{field: message}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


def wrong_field(field: str, message: str) -> Refused:
    return Refused(400, "INVALID_PARAMETER", f"{field} {message}", {field: message})


def job_not_found(job_id: str) -> Refused:
    return Refused(404, "JOB_NOT_FOUND", f"No job with id {job_id}")


async def answer_refusal(request: Request, trouble: Exception) -> Response:
    """In the form that the switch `errors` names."""
    assert isinstance(trouble, Refused)  # noqa: S101 - registered for this class only
    return written(trouble, request.app.state.account.switches.errors)


def written(refused: Refused, form: str) -> Response:
    """`current`; `swapped`, with the types of code and status the other way round; `message`, `text` or `page`."""
    if form == "page":
        return error_page(refused.status, refused.headers)
    body: dict[str, Any]
    if form == "message":
        body = {"message": refused.message}
    elif form == "text":
        body = {"error": refused.message}
    else:
        named: tuple[str | int, str | int] = (refused.code, refused.status)
        code, status = reversed(named) if form == "swapped" else named
        error = {"code": code, "status": status, "message": refused.message, "details": refused.details}
        body = {"success": False, "error": error}
    return JSONResponse(body, refused.status, refused.headers)


def error_page(status: int, headers: dict[str, str] | None = None) -> Response:
    """As a proxy before the API would say it: no envelope."""
    return HTMLResponse(PAGE.format(status=status), status, headers)


async def no_such_path(_request: Request, _trouble: Exception) -> Response:
    """Unknown path or wrong method: a page, and never a 405."""
    return error_page(404)
