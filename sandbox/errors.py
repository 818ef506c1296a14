"""The six shapes in which the gateway says no (contract 1.3), and the exception that carries one out of a handler."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import ids
from sandbox.connections import NoAnswer

WORKSPACE_ID = "6d0c1f52-0000-4000-8000-00000000beef"
NO_STORE = {"Cache-Control": "no-store"}

FLAT_STATUS = {
    "unauthorised": 401,
    "invalid_json": 400,
    "validation_error": 400,
    "not_found": 404,
    "not_supported": 400,
    "not_ready": 409,
    "model_required": 400,
    "not_implemented_yet": 501,
    "forbidden": 403,
    "insufficient_funds": 402,
    "key_limit_exceeded": 429,
    "unsupported_model_or_endpoint": 400,
}


class Refused(Exception):
    """Raised anywhere under a handler; the answer it carries is what the caller gets."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


async def answer_refusal(_request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, Refused)  # noqa: S101 - registered for this class only
    return trouble.response


async def not_found_text(_request: Request, _trouble: Exception) -> Response:
    """Unknown path or wrong method: plain text, and never a 405."""
    return PlainTextResponse("404 Not Found", status_code=404)


def flat(
    code: str,
    reason: str,
    *,
    message: str | None = None,
    workspace: bool = True,
    origin: str = "user",
    **context: Any,
) -> Refused:
    """E1: `error` is a word, with a request id and the ids it speaks about. `origin` is user or gateway."""
    status, request_id = FLAT_STATUS[code], ids.request_id()
    body: dict[str, Any] = {"error": code, "reason": reason}
    if message is not None:
        body["message"] = message
    body["request_id"] = request_id
    body |= context
    if workspace:
        body["workspace_id"] = WORKSPACE_ID
    body |= {
        "status_code": status,
        "error_type": "user",
        "error_origin": origin,
        "generation_id": request_id,
    }
    return Refused(JSONResponse(body, status_code=status, headers=NO_STORE))


def nested(status: int, kind: str, reason: str, message: str | None = None, **context: Any) -> Refused:
    """E2: `error` is an object, without a request id and with whatever it speaks about."""
    error = {"type": kind, "reason": reason} | ({"message": message} if message is not None else {})
    return Refused(JSONResponse({"error": error | context}, status_code=status, headers=NO_STORE))


def native(status: int, message: str, kind: str = "invalid_request_error", **headers: str) -> Refused:
    """E3: the provider's own words and headers, passed through."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(JSONResponse(body, status_code=status, headers={"x-request-id": ids.native_file_id()} | named))


def managed(status: int, kind: str, message: str) -> Refused:
    """E4: webhook endpoint management."""
    return Refused(JSONResponse({"error": {"type": kind, "message": message}}, status_code=status, headers=NO_STORE))


def upgrade_required() -> Refused:
    """E5: the live-update address, asked without an upgrade."""
    error = {"code": "websocket_upgrade_required", "message": "This address speaks WebSocket only."}
    return Refused(JSONResponse({"error": error}, status_code=426, headers={"Upgrade": "websocket"}))


def unanswered() -> Refused:
    """No shape at all: the connection is cut."""
    return Refused(NoAnswer())


def uncaught() -> Refused:
    """E6: what escapes inside the gateway."""
    return Refused(PlainTextResponse("Internal Server Error", status_code=500))
