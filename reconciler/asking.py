"""Questions in flight: they are asked in the background, so that one slow answer holds up nobody else."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from schemas.readings import Troubled
from schemas.words import Trouble

log = structlog.get_logger()

BROKEN = Troubled(Trouble.POISON, "an error of ours while asking")

Item = TypeVar("Item")
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Back(Generic[Item, Answered]):
    """An item that was asked about, when the question left (microseconds), and what came back."""

    item: Item
    sent_at: int
    answer: Answered


class Asking(Generic[Item, Answered]):
    """Asks about items by number, each at most once at a time, and keeps the answers until they are written.

    `broken` stands for the answer when the asking itself breaks; `spend` is told of each question that leaves.
    """

    def __init__(
        self,
        ask: Callable[[Item], Awaitable[Answered]],
        broken: Answered,
        clock: Callable[[], int],
        woken: Callable[[], None],
        spend: Callable[[], None],
    ) -> None:
        self._ask = ask
        self._broken = broken
        self._clock = clock
        self._woken = woken
        self._spend = spend
        self._flying: dict[int, asyncio.Task[None]] = {}
        self._back: dict[int, Back[Item, Answered]] = {}

    @property
    def busy(self) -> set[int]:
        """The numbers that are in flight, or back and not yet written."""
        return self._flying.keys() | self._back.keys()

    def start(self, number: int, item: Item) -> None:
        self._spend()
        self._flying[number] = asyncio.create_task(self._fly(number, item))

    def answers(self) -> list[Back[Item, Answered]]:
        """What has come back. It stays until it is written: see `written`."""
        return list(self._back.values())

    def written(self, numbers: Iterable[int]) -> None:
        """Forget what has been written; the next question about it may start."""
        for number in numbers:
            self._back.pop(number, None)

    async def stop(self) -> None:
        for task in self._flying.values():
            task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
        self._flying.clear()

    async def _fly(self, number: int, item: Item) -> None:
        sent_at = self._clock()
        try:
            self._back[number] = Back(item, sent_at, await self._ask(item))
        except Exception:
            # An error of ours while asking: it is written like any other trouble, so that this item waits and not the others.
            log.exception("asking_broke", number=number)
            self._back[number] = Back(item, sent_at, self._broken)
        finally:
            self._flying.pop(number, None)
            self._woken()
