"""When content comes too slowly to wait for it. Times in seconds of a monotonic clock."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Slowness:
    """At least `least` bytes have to come in each span of `seconds`."""

    least: int = 65_536
    seconds: float = 60.0
    since: float = 0.0  # when the span under way began
    came: int = 0  # bytes, in it
    is_too_slow: bool = False

    def begun(self, now: float) -> "Slowness":
        return replace(self, since=now, came=0, is_too_slow=False)

    def after(self, size: int, now: float) -> "Slowness":
        """After so many more bytes."""
        came = self.came + size
        if now - self.since < self.seconds:
            return replace(self, came=came)
        return replace(self, since=now, came=0, is_too_slow=came < self.least)

    def __str__(self) -> str:
        return f"less than {self.least} bytes within {self.seconds:g} s"
