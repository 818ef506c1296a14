"""Errors, all in one form: `{"error": {"message": text}}`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class Refused(Exception):
    """The request is answered with this status and these words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def answer_refusal(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101
    return JSONResponse({"error": {"message": str(refused)}}, status_code=refused.status)


async def no_such_path(_request: Request, _error: Exception) -> Response:
    """Where nothing stands, a page answers and not the API."""
    return Response("<h1>404 Not Found</h1>", status_code=404, media_type="text/html")
