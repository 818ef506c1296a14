"""How time passes here: durations are divided by the speed, every time written or signed is wall-clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """A wall clock, and the exchange rate between seconds of a batch's life and seconds of the wall."""

    speed: float = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def real(self, seconds: float) -> float:
        """The wall seconds that this many seconds of life take."""
        return seconds / self.speed

    def lived(self, since: datetime, now: datetime) -> float:
        """The seconds of life between two wall times."""
        return (now - since).total_seconds() * self.speed

    def later(self, since: datetime, seconds: float) -> datetime:
        """The wall time at which this many seconds of life have passed."""
        return since + timedelta(seconds=self.real(seconds))


def unix(at: datetime) -> int:
    """Unix seconds, as REST objects, webhook bodies and signatures carry them."""
    return int(at.timestamp())


def iso_ms(at: datetime) -> str:
    """Milliseconds and `Z`, as everything that the gateway itself formats."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def iso_stored(at: datetime) -> str:
    """As the gateway's database prints a time: `+00:00`, up to six digits, trailing zeros dropped."""
    whole = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{at.microsecond:06d}".rstrip("0")
    return f"{whole}.{digits}+00:00" if digits else f"{whole}+00:00"
