"""What is counted of the lag between an end and our knowing of it."""

import pytest
from factories import NOW, job

from reconciler.counted import LAG_BUCKETS, end_lag, lag_words
from schemas.times import DAY, HOUR, SECOND


@pytest.mark.parametrize(
    ("lag", "fewest"),
    [(0, 1), (SECOND, 1), (SECOND + 1, 5), (HOUR, 3600), (DAY, 86_400), (2 * DAY, None)],
)
def test_cumulative_buckets(lag: int, fewest: int | None) -> None:
    """A lag is in every bucket that is wide enough, in the sum in milliseconds, and counted once."""
    counted = dict(lag_words(lag))

    assert (counted.pop("lag.sum"), counted.pop("lag.count")) == (lag // 1000, 1)
    assert counted == {f"lag.le.{bucket}": 1 for bucket in LAG_BUCKETS if fewest is not None and bucket >= fewest}


@pytest.mark.parametrize(
    ("born", "ended", "lag"),
    [
        (NOW - HOUR, NOW - 5 * SECOND, 5 * SECOND),
        (NOW - HOUR, NOW + 5 * SECOND, 0),  # their clock is ahead
        (NOW - HOUR, None, None),
        (NOW - HOUR, NOW - 2 * HOUR, None),  # it was over before we knew of it
        (NOW - HOUR, NOW - HOUR - SECOND, HOUR + SECOND),  # providers tell whole seconds
    ],
)
def test_of_jobs_that_we_knew(born: int, ended: int | None, lag: int | None) -> None:
    """Only of jobs that we knew when they ended, and whose provider says when that was."""
    assert end_lag(job(created_at=born), ended, NOW) == lag
