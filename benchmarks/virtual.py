"""
Virtual time: an asyncio event loop whose clock stands still while there is work, and jumps to the next timer when there is none.

`loop.time()` is the virtual clock, so `asyncio.sleep`, `timeout` and `wait_for` follow it, and hours pass in the time that the
work in them takes. A thread's work has no virtual length: while an answer from a thread is awaited, the clock must not jump.
For the loop's own threads (`to_thread`) it knows by itself; around others the caller says so with `standing_still()`.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

STUCK_SECONDS = 120.0  # of real time: no thread of ours works that long

Result = TypeVar("Result")


class Stuck(Exception):
    """Nothing is ready, nothing is planned and no thread will answer: whoever waits would wait for ever."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 seconds."""

    def __init__(self) -> None:
        self._virtual = 0.0
        self._threads_awaited = 0
        super().__init__(_Jumping(self._next))

    def time(self) -> float:
        return self._virtual

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Whatever is awaited within needs a thread's answer, and no timer."""
        self._threads_awaited += 1
        try:
            yield
        finally:
            self._threads_awaited -= 1

    def run_in_executor(self, executor: Any, function: Callable[..., Result], *arguments: Any) -> Any:
        future = super().run_in_executor(executor, function, *arguments)
        self._threads_awaited += 1
        future.add_done_callback(self._answered)
        return future

    async def shutdown_default_executor(self, *arguments: Any) -> None:
        with self.standing_still():
            await super().shutdown_default_executor(*arguments)

    def _answered(self, _future: Any) -> None:
        self._threads_awaited -= 1

    def _next(self, seconds: float | None) -> float:
        """The loop has nothing to do for so long: jump there, or say how long to wait for a thread in real seconds."""
        if self._threads_awaited:
            return STUCK_SECONDS
        if seconds is None:
            raise Stuck
        self._virtual += seconds
        return 0.0


class _Jumping(selectors.DefaultSelector):
    """Told how long the loop would sleep, it asks `jump` how long to wait instead."""

    def __init__(self, jump: Callable[[float | None], float]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        wait = self._jump(timeout)
        if not wait:
            return []
        if not (ready := super().select(wait)):
            raise Stuck
        return ready


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Like `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def running_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
