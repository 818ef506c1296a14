"""How OpenAI says no: always `{"error": {"message", "type", "param", "code"}}`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.errors import Refused
from sandbox.openai import ids


def refused(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    **headers: str,
) -> Refused:
    """To be raised. Names of headers have `_` for `-`."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(JSONResponse(body, status_code=status, headers={"x-request-id": ids.request_id()} | named))


def server_error(status: int = 500) -> Refused:
    return refused(status, "The server had an error while processing your request.", kind="server_error")


def no_batch(batch_id: str) -> Refused:
    return refused(404, f"No batch found with id '{batch_id}'.")


def no_file(file_id: str) -> Refused:
    return refused(404, f"No such File object: {file_id}", param="id")


async def invalid_url(request: Request, _trouble: Exception) -> Response:
    """Nothing stands at this address, or nothing that is asked so."""
    told = f"Invalid URL ({request.method} {request.url.path})"
    return refused(404, told).response
