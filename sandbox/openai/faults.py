"""What goes wrong with status answers when a scenario asks for it."""

import asyncio
import contextlib

from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.faults import PAGE, SLOW
from sandbox.openai import ids
from sandbox.openai.account import Account
from sandbox.openai.batches import Batch
from sandbox.openai.errors import no_batch, refused, server_error


async def dawdle(batch: Batch, account: Account) -> None:
    """Three seconds of the wall with `status_slow`, cut short when the sandbox shuts down."""
    if "status_slow" in batch.scenario:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SLOW):
                await account.stopping.wait()


def next_fault(batch: Batch, account: Account) -> Response | None:
    """The next of the planned answers, once the batch is past validation. Those that are errors are raised as such."""
    if not batch.faults or account.read(batch).status == "validating":
        return None
    left, word = len(batch.faults), batch.faults.popleft()
    match word:
        case "status_429":
            told = "Rate limit reached for requests."
            raise refused(429, told, kind="requests", code="rate_limit_exceeded", retry_after="1")
        case "status_500":
            raise server_error()
        case "status_denied":
            raise no_batch(batch.id)
        case _:
            return _malformed(batch, left)


def _malformed(batch: Batch, turn: int) -> Response:
    """Cut JSON, a page from something in front, the answer about another batch: one after the other."""
    match turn % 3:
        case 0:
            return Response(f'{{"id":"{batch.id}","object":"batch","sta', media_type="application/json")
        case 1:
            return JSONResponse({"id": ids.batch_id(), "object": "batch", "status": "completed"})
        case _:
            return HTMLResponse(PAGE)
