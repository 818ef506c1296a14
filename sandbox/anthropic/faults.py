"""What goes wrong with status answers when a scenario asks for it."""

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.anthropic import ids
from sandbox.anthropic.batches import Batch
from sandbox.anthropic.errors import no_batch, refused
from sandbox.faults import PAGE


def next_fault(batch: Batch) -> Response | None:
    """The next of the planned answers. Those that are errors are raised as such."""
    if not batch.faults:
        return None
    left, word = len(batch.faults), batch.faults.popleft()
    match word:
        case "status_429":
            raise refused(429, "Number of requests has exceeded your rate limit", retry_after="1")
        case "status_500":
            raise refused(500, "Internal server error")
        case "status_529":
            raise refused(529, "Overloaded")
        case "status_denied":
            raise no_batch(batch.id)
        case _:
            return _malformed(batch, left)


def _malformed(batch: Batch, turn: int) -> Response:
    """Cut JSON, a page from something in front, the answer about another batch: one after the other."""
    match turn % 3:
        case 0:
            return Response(f'{{"id":"{batch.id}","type":"message_ba', media_type="application/json")
        case 1:
            counts = {"processing": 0, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0}
            return JSONResponse({"id": ids.batch_id(), "processing_status": "ended", "request_counts": counts})
        case _:
            return HTMLResponse(PAGE)
