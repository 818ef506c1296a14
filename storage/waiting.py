"""Waiting for something, but not for ever, and not against a wish to stop."""

import asyncio


async def happens_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so long at most. Whether it came.

    Not by `asyncio.wait_for`: before Python 3.12 that takes an event and a cancellation that come together for the event alone.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def stop_if_asked() -> None:
    """A cancellation counts, even when an error of the store has taken its place on the way up."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
