"""What a webhook tells: its type, its delivery key, and when progress is worth telling (contract 4.5, 4.6)."""

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True)
class Event:
    """One thing to tell of a job, the same on every attempt.

    `bucket` is progress in steps, for `progress` alone. `change` is the stored status before and after, for `status_changed`.
    """

    kind: str
    phase: str
    bucket: int | None = None
    change: tuple[str, str] | None = None

    @property
    def type(self) -> str:
        return f"{self.kind}.{self.phase}"

    @property
    def key(self) -> str:
        step = () if self.bucket is None else (str(self.bucket),)
        return ":".join([self.type, *step, *(self.change or ())])


def progress_bucket(percent: float) -> int | None:
    """The nearest ten within 5 to 95, halves rounded up twice; None for what is not under way."""
    if not 0 < percent < 100:
        return None
    return min(max(floor(floor(percent + 0.5) / 10 + 0.5) * 10, 5), 95)
