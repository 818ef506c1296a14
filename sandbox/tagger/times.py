"""How the tagger writes a time (contract 11)."""

from datetime import UTC, datetime


def iso_us(at: datetime) -> str:
    """Microseconds, all six digits, and `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
