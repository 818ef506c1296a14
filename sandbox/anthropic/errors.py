"""How Anthropic says no (`types/shared/error_response.py` of the SDK): a type and a message, wrapped, and the request's id."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.anthropic import ids
from sandbox.errors import Refused

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def refused(status: int, message: str, **headers: str) -> Refused:
    """To be raised. Names of headers have `_` for `-`."""
    request_id = ids.request_id()
    body = {"type": "error", "error": {"type": KINDS[status], "message": message}, "request_id": request_id}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(JSONResponse(body, status_code=status, headers={"request-id": request_id} | named))


def no_batch(batch_id: str) -> Refused:
    return refused(404, f"Message batch {batch_id} not found")


async def no_such_path(_request: Request, _trouble: Exception) -> Response:
    """The form is our guess."""
    return refused(404, "Not found").response
