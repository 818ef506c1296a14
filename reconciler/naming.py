"""Naming: which request each row of a page of results answers. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable


class Naming:
    """Gives rows the custom ids of the requests that they answer: rows of one key answer those of that key, in their order."""

    def __init__(self, asked: Iterable[tuple[str, str]]) -> None:
        """`asked`: key and custom id of each request, in the order of the input; none where nobody here knows them."""
        self._waiting: dict[str, deque[str]] = defaultdict(deque)
        for key, custom_id in asked:
            self._waiting[key].append(custom_id)
        self._named: dict[str, int] = defaultdict(int)

    def name(self, key: str) -> str:
        """The custom id for the next row of a key. A row that nobody asked for is called by its key, and from the second one
        on by its number, too."""
        if waiting := self._waiting.get(key):
            return waiting.popleft()
        self._named[key] += 1
        return key if self._named[key] == 1 else f"{key}#{self._named[key]}"
