"""How a file's content is answered, and what a scenario has go wrong with the first answers (contract 2.4).

Where a scenario names several such words, their answers go wrong one after the other, for each file anew.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Scope

from sandbox import connections
from sandbox.errors import flat, uncaught
from sandbox.faults import wait
from sandbox.files import File
from sandbox.gateway import Gateway

MEDIA_TYPE = "application/octet-stream"
STALL = 60.0  # wall seconds, whatever the speed: the caller's patience is not ours to scale
HangUp = Callable[[Scope], None]
GZIP = 31  # zlib's word for its largest window in a gzip envelope


def content_answer(file: File, gateway: Gateway, request: Request) -> Response:
    """The next of the planned answers, or the content.

    Raises:
        Refused: the planned answer is an error.
    """
    word = file.faults.popleft() if file.faults else None
    match word:
        case "content_404":
            raise flat("not_found", "file_not_found_or_not_owned", file_id=file.id)
        case "content_500":
            raise uncaught()
        case "content_cut":
            return _cut(file, request, left=file.faults.count(word))
        case "content_stalls":
            return _streamed(_stalling(file, gateway, request), file.content.size)
        case "content_compressed":
            return _streamed(_sent(_compressed(file)), content_encoding="gzip")
        case _:
            return _streamed(_sent(file.content.blocks()), file.content.size)


def _streamed(blocks: AsyncIterator[bytes], size: int | None = None, **headers: str) -> Response:
    """Without a size, the answer comes in chunks."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    length = {} if size is None else {"content-length": str(size)}
    return StreamingResponse(blocks, media_type=MEDIA_TYPE, headers=named | length)


async def _sent(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
        await asyncio.sleep(0)  # a reader who is quick enough would never let anybody else have a turn


def _cut(file: File, request: Request, left: int) -> Response:
    """Short of the length that was declared, then whole to all appearances, then reset."""
    match left:
        case 2:
            return _streamed(_half(file, connections.close, request), file.content.size)
        case 1:
            return _streamed(_sent(file.content.blocks(end=file.content.middle)))
        case _:
            return _streamed(_half(file, connections.reset, request), file.content.size)


async def _half(file: File, hang_up: HangUp, request: Request) -> AsyncIterator[bytes]:
    async for block in _sent(file.content.blocks(end=file.content.middle)):
        yield block
    await _end(hang_up, request)


async def _stalling(file: File, gateway: Gateway, request: Request) -> AsyncIterator[bytes]:
    """When the sandbox stops meanwhile, the rest never comes."""
    async for block in _sent(file.content.blocks(end=file.content.middle)):
        yield block
    if await wait(gateway, STALL):
        await _end(connections.close, request)
    async for block in _sent(file.content.blocks(begin=file.content.middle)):
        yield block


async def _end(hang_up: HangUp, request: Request) -> None:
    """Once the connection is gone, the answer is called off where it stands."""
    hang_up(request.scope)
    await asyncio.Event().wait()


def _compressed(file: File) -> Iterable[bytes]:
    deflating = zlib.compressobj(wbits=GZIP)
    for block in file.content.blocks():
        if packed := deflating.compress(block):
            yield packed
    yield deflating.flush()
