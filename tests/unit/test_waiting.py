"""Waiting for an event with a bound."""

import asyncio

import pytest

from storage.waiting import happens_within


def test_it_comes() -> None:
    """An event that comes in time has come, and so has one that was there before."""

    async def flow() -> None:
        event = asyncio.Event()
        asyncio.get_running_loop().call_soon(event.set)

        assert await happens_within(event, 30)
        assert await happens_within(event, 30)

    asyncio.run(flow())


def test_it_does_not_come() -> None:
    """One that does not come is not waited for any longer."""
    assert asyncio.run(happens_within(asyncio.Event(), 0.001)) is False


@pytest.mark.parametrize("steps", range(8))
def test_a_stop_at_the_moment_of_the_event(steps: int) -> None:
    """A cancellation is never lost to an event, however close together they come: whoever waits has ended, or goes on to end."""

    async def flow() -> None:
        event = asyncio.Event()
        waiting = asyncio.create_task(happens_within(event, 30))
        await asyncio.sleep(0)
        event.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        was_waiting = waiting.cancel()
        await asyncio.wait([waiting])

        assert waiting.cancelled() is was_waiting

    asyncio.run(flow())
