"""Telling a target: one module for each type. Whatever the target does, an attempt ends in time, within bounds, as a value."""

from collections.abc import Callable
from typing import Protocol

from reconciler.outcome import Attempt
from schemas.tables import HandoffRow

LONGEST_MESSAGE = 300


class Telling(Protocol):
    """A way to tell one target."""

    async def tell(self, handoff: HandoffRow) -> Attempt: ...
    async def close(self) -> None: ...


Clock = Callable[[], int]
