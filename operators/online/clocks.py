"""Whether our clock and a provider's are near enough to each other for what a source's configuration allows. Pure."""

from reconciler.clocks import FARTHEST
from schemas.config import Source
from schemas.times import SECOND


def is_too_far(offset: int, source: Source) -> bool:
    """Too far for the signatures of deliveries: these must be no older or newer than the source's tolerance."""
    return abs(offset) > min(FARTHEST, source.tolerance_seconds * SECOND)
