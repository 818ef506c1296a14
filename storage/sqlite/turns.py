"""Taking turns at SQLite's write lock, which knows no queue: whoever waits for it tries again ten times a second.

A process that takes it again at once, and holds it for long because the machine is busy, would keep another one out for as long
as anybody waits. So after some time of holding it, it leaves it alone for longer than lies between two tries.
"""

import asyncio
import time

HELD_SECONDS = 0.2
LEFT_SECONDS = 0.15


class Turns:
    """How long one connection has held the lock, and whether it is somebody else's turn."""

    def __init__(self) -> None:
        self._held = 0.0
        self._left_at = 0.0

    async def mine(self) -> None:
        """Wait, if others have had no chance for long. Call it before the lock is taken."""
        left = time.monotonic() - self._left_at
        if left >= LEFT_SECONDS:
            self._held = 0.0
        elif self._held >= HELD_SECONDS:
            await asyncio.sleep(LEFT_SECONDS - left)
            self._held = 0.0

    def over(self, since: float) -> None:
        """The lock is free again. It was taken at this time of the monotonic clock."""
        self._left_at = time.monotonic()
        self._held += self._left_at - since
