"""Room for so much, in even shares: where it is used up, the oldest of whoever has the most makes place for what is new.

Somebody who floods it can so take no more of it than leaves everybody else as much.
"""

from collections import deque
from collections.abc import Hashable


class Shares:
    """Which of many are kept, by number. Without a clock, and without I/O."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._count = 0
        self._bytes = 0
        self._held: dict[Hashable, deque[tuple[int, int]]] = {}
        self._bytes_of: dict[Hashable, int] = {}

    def add(self, holder: Hashable, number: int, size: int) -> list[int]:
        """Keep one more, and say which have to go for it. One that is larger than the whole room goes at once."""
        self.take(holder, number, size)
        gone: list[int] = []
        while self._count > self._most:
            gone.append(self._drop_oldest(max(self._held, key=lambda one: len(self._held[one]))))
        while self._bytes > self._most_bytes:
            gone.append(self._drop_oldest(max(self._bytes_of, key=self._bytes_of.__getitem__)))
        return gone

    def take(self, holder: Hashable, number: int, size: int) -> None:
        """Note one that is kept already, whether there is room for it or not."""
        self._held.setdefault(holder, deque()).append((number, size))
        self._bytes_of[holder] = self._bytes_of.get(holder, 0) + size
        self._count += 1
        self._bytes += size

    def __len__(self) -> int:
        return self._count

    def _drop_oldest(self, holder: Hashable) -> int:
        number, size = self._held[holder].popleft()
        self._count -= 1
        self._bytes -= size
        self._bytes_of[holder] -= size
        if not self._held[holder]:
            del self._held[holder], self._bytes_of[holder]
        return number
