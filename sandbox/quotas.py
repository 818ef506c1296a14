"""How much the workspace may upload: two rolling windows, by the sandbox's clock (contract 2.2)."""

import json
from collections import deque
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.errors import nested

HOUR, DAY = 3_600.0, 86_400.0


@dataclass(frozen=True)
class Quota:
    """Uploads within any hour, and bytes of their bodies within any 24 hours. As at the gateway, unless told otherwise."""

    uploads_an_hour: int = 20
    bytes_a_day: int = 104_857_600

    def shown(self) -> dict[str, int]:
        return asdict(self)


def read_quota(body: bytes, known: Quota) -> Quota:
    """JSON with one limit or both; what is not named stays as it was.

    Raises:
        ValueError: anything else; the message says what is wanted.
    """
    names = [each.name for each in fields(Quota)]
    wanted = f"Send a JSON object with {' or '.join(names)} or both, each a whole number, 0 or more"
    try:
        asked: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError(f"{wanted}; this is no JSON.") from None
    if not isinstance(asked, dict) or not asked:
        raise ValueError(f"{wanted}; this names none.")
    if strange := sorted(asked.keys() - set(names)):
        raise ValueError(f"{wanted}; there is no {', '.join(map(json.dumps, strange))}.")
    for name, limit in asked.items():
        if type(limit) is not int or limit < 0:
            raise ValueError(f"{wanted}; {name} is {json.dumps(limit)}.")
    return replace(known, **asked)


class Uploads:
    """What was uploaded within the last day, and what may still be."""

    def __init__(self, clock: Clock) -> None:
        self.quota = Quota()
        self._clock = clock
        self._taken: deque[tuple[datetime, int]] = deque()

    def check(self, size: int, now: datetime) -> None:
        """Whether a body of this size may come now.

        Raises:
            Refused: E2 429, without Retry-After.
        """
        day, hour = self._clock.later(now, -DAY), self._clock.later(now, -HOUR)
        while self._taken and self._taken[0][0] < day:
            self._taken.popleft()
        if sum(at >= hour for at, _ in self._taken) >= self.quota.uploads_an_hour:
            raise nested(429, "rate_limit_error", "batch_file_hourly_quota_exceeded")
        if sum(length for _, length in self._taken) + size > self.quota.bytes_a_day:
            raise nested(429, "rate_limit_error", "batch_file_daily_bytes_exceeded")

    def take(self, size: int, now: datetime) -> None:
        self._taken.append((now, size))
