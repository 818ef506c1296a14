"""What the tagger was asked: how often, and how many requests were in flight at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Load:
    """By kind of ask. Sockets are counted and are not in flight."""

    def __init__(self) -> None:
        self.asks: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._in_flight: Counter[str] = Counter()

    @contextmanager
    def in_flight(self, kind: str) -> Iterator[None]:
        """One request, from its head to the end of its answer. `any` is all kinds together."""
        for name in (kind, "any"):
            self._in_flight[name] += 1
            self.most_at_once[name] = max(self.most_at_once[name], self._in_flight[name])
        try:
            yield
        finally:
            for name in (kind, "any"):
                self._in_flight[name] -= 1
