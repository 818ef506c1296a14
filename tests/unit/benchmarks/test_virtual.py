"""The loop in virtual time."""

import asyncio
import time

import pytest

from benchmarks import virtual


def test_hours_pass_at_once():
    """Sleeping for a day takes exactly a day of virtual time, and next to no real time."""

    async def main() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert virtual.run(main()) == pytest.approx(86_400)
    assert time.monotonic() - began < 10


def test_timers_keep_their_order():
    """Whoever sleeps shorter wakes first, each at its own time; a time-out is a timer like any other."""
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, round(asyncio.get_running_loop().time(), 6)))

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(20):
                await asyncio.Event().wait()
        woken.append(("impatient", round(asyncio.get_running_loop().time(), 6)))

    async def main() -> None:
        await asyncio.gather(sleeper("late", 30), impatient(), sleeper("early", 10))

    virtual.run(main())
    assert woken == [("early", 10), ("impatient", 20), ("late", 30)]


def test_a_thread_is_waited_for():
    """While the loop's own thread works, the clock stands still, whichever timers there are."""

    async def main() -> tuple[str, float]:
        asyncio.get_running_loop().call_later(5, lambda: None)
        return await asyncio.to_thread(lambda: "answer"), asyncio.get_running_loop().time()

    assert virtual.run(main()) == ("answer", 0)


def test_another_thread_is_waited_for_when_said_so():
    """A future that somebody else's thread fills is waited for within `standing_still`."""

    async def main() -> tuple[str, float]:
        loop = virtual.running_loop()
        filled: asyncio.Future[str] = loop.create_future()
        loop.call_later(5, lambda: None)
        with loop.standing_still():
            thread = asyncio.create_task(
                asyncio.to_thread(lambda: loop.call_soon_threadsafe(filled.set_result, "answer"))
            )
            said = await filled
            await thread
        return said, loop.time()

    assert virtual.run(main()) == ("answer", 0)


def test_waiting_for_nothing_is_told():
    """Without a timer and without a thread at work, nothing will ever happen, and the loop says so."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(virtual.Stuck):
        virtual.run(main())
