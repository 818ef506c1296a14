"""Phaseo's status words (contract 3.8). The native word decides; `lifecycle_status` only helps where that word is unknown,
because one status reads two lifecycles: `finalizing` and `cancelling` are pending on REST and running on push."""

import math
from typing import Any

from schemas.words import Status

WORDS = {
    "submitting": Status.PENDING,
    "submission_unknown": Status.PENDING,
    "queued": Status.PENDING,
    "pending": Status.PENDING,
    "validating": Status.PENDING,
    "in_progress": Status.RUNNING,
    "processing": Status.RUNNING,
    "running": Status.RUNNING,
    "finalizing": Status.RUNNING,
    "cancelling": Status.RUNNING,
    "canceling": Status.RUNNING,
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
    "expired": Status.EXPIRED,
}
# Only a video's status may be one of these: on a batch they are words that nobody has explained.
VIDEO_WORDS = {"succeeded": Status.COMPLETED, "success": Status.COMPLETED, "error": Status.FAILED}


def read_status(native: Any, lifecycle: Any, kind: str | None = "batch") -> Status | None:
    """The status behind a native word, or behind the lifecycle where the word is unknown; None when neither tells."""
    words = WORDS | VIDEO_WORDS if kind == "video" else WORDS
    for word in (native, lifecycle):
        if isinstance(word, str) and word.lower() in words:
            return words[word.lower()]
    return None


def read_progress(value: Any) -> int | None:
    """A reported progress, held within 0 to 100. It is shown and decides nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(max(0, min(100, value)))  # held first: an integer can be too large for a float


def progress_bucket(value: Any) -> int | None:
    """The bucket of a progress event, which is part of its delivery key; None: there is no event for it (contract 4.6).

    Halves are rounded up, twice: to a whole number, and to the nearest ten; then it is held within 5 to 95.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100:
        return None
    return max(5, min(95, math.floor(math.floor(value + 0.5) / 10 + 0.5) * 10))
