"""A budget of refusals for each sender: a token bucket, without a clock of its own."""

from collections import OrderedDict
from collections.abc import Hashable

MINUTE = 60.0


class Flood:
    """
    How many refusals each key may still cause before it is told to be quiet.

    The number of keys is bounded: the one that has been quiet longest is forgotten.
    """

    def __init__(self, per_minute: int, most_keys: int = 10_000) -> None:
        self._capacity = float(per_minute)
        self._most_keys = most_keys
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def spend(self, key: Hashable, now: float) -> bool:
        """Take one token at `now`, in seconds; False when there is none left."""
        level, since = self._buckets.pop(key, (self._capacity, now))
        level = min(self._capacity, level + max(0.0, now - since) * self._capacity / MINUTE)
        spent = level >= 1.0
        self._buckets[key] = (level - 1.0 if spent else level, max(now, since))
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        return spent

    def __len__(self) -> int:
        return len(self._buckets)
