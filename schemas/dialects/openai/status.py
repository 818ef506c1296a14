"""The status words of an OpenAI batch (contract 2; `types/batch.py` of the SDK)."""

from typing import Any

from schemas.words import Status

WORDS = {
    "validating": Status.PENDING,
    "in_progress": Status.RUNNING,
    "finalizing": Status.RUNNING,
    "cancelling": Status.RUNNING,
    "canceling": Status.RUNNING,
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
    "expired": Status.EXPIRED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
}


def read_status(native: Any) -> Status | None:
    """The status behind a word; pending for a word that nobody has explained, which is no end; None where there is no word."""
    if not isinstance(native, str) or not native:
        return None
    return WORDS.get(native.lower(), Status.PENDING)
