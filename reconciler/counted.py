"""What the reconciler counts of its own work, in words that `storage/counting.py` explains. Pure."""

from collections.abc import Mapping

from schemas.tables import JobRow
from schemas.times import SECOND

# Seconds between the provider's end of a job and our knowing of it.
LAG_BUCKETS = (1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400)
GRAIN = SECOND  # providers tell whole seconds


def end_lag(job: JobRow, provider_ended_at: int | None, now: int) -> int | None:
    """How long after its end at the provider we know of it; None: the provider does not say when that was, or the job had ended
    before we knew that there is one."""
    if provider_ended_at is None or provider_ended_at + GRAIN < job.created_at:
        return None
    return max(0, now - provider_ended_at)


def lag_words(lag: int) -> Mapping[str, int]:
    """One lag (microseconds) as it is counted: in every bucket that holds it, in the sum, and once."""
    held = {f"lag.le.{bucket}": 1 for bucket in LAG_BUCKETS if lag <= bucket * SECOND}
    return {**held, "lag.sum": lag // 1000, "lag.count": 1}
