"""Noticing that another process has written: whoever writes something to do sends a NOTIFY with its commit."""

import asyncio
from collections.abc import Callable
from typing import Any

from storage.postgresql import connecting
from storage.waiting import happens_within
from storage.wake import CHANNEL

AGAIN_SECONDS = 1.0
ALIVE_SECONDS = 30.0


async def watch(url: str, wake: Callable[[], None]) -> None:
    """Listen until cancelled. A connection that is lost is made anew, and then we wake once: something was missed perhaps."""
    while True:
        try:
            await _listen(url, wake)
        except Exception as error:
            # The rounds tell of a server that is away: here it only has to be waited for.
            if not connecting.is_away(error):
                raise
        await asyncio.sleep(AGAIN_SECONDS)


async def _listen(url: str, wake: Callable[[], None]) -> None:
    connection = await connecting.connect(url)
    lost = asyncio.Event()

    def end(_connection: Any) -> None:
        lost.set()

    def hear(*_told: Any) -> None:
        wake()

    try:
        connection.add_termination_listener(end)
        await connection.add_listener(CHANNEL, hear)
        wake()
        while not lost.is_set():
            if not await happens_within(lost, ALIVE_SECONDS):
                await connection.execute("SELECT 1")  # one that is dead without a word fails here
    finally:
        connection.terminate()
