"""The simulation that `make simulate` prints the table of, on a few jobs."""

from math import ceil

import pytest

from benchmarks import lives, simulate

JOBS, SEED = 4, 67


@pytest.mark.parametrize("interval", [60, 300])
def test_the_baseline_is_what_arithmetic_says(interval: int) -> None:
    """A fixed poller asks once per begun interval of each life, and knows the end when the interval is over."""
    drawn = lives.draw(40, SEED)
    run = simulate.fixed(40, SEED, interval)
    rounds = [ceil(life.length / interval) for life in drawn]
    waits = sorted(number * interval - life.length for number, life in zip(rounds, drawn, strict=True))

    assert run.status * 40 == pytest.approx(sum(rounds))
    assert (run.lists, run.other, run.wrong) == (0, 0, 0)
    assert run.lags == pytest.approx(waits, abs=0.3)


def test_every_job_reaches_its_end_and_the_same_seed_gives_the_same_counts() -> None:
    """With half of the webhooks lost every job ends as it truly did, never before its time; a second run is the first again."""
    first, second = (simulate.ours(JOBS, SEED, 0.5) for _ in range(2))

    assert first.wrong == 0
    assert len(first.lags) == JOBS
    assert first.lags[0] >= 0
    assert (first.status, first.lists, first.other, first.peak) == (
        second.status,
        second.lists,
        second.other,
        second.peak,
    )


def test_with_every_webhook_here_the_end_is_known_at_once() -> None:
    """Without loss the truth is known as soon as the webhook is here and one question is answered."""
    run = simulate.ours(JOBS, SEED, 0.0)

    assert run.wrong == 0
    assert run.lags[-1] <= lives.DELAYS[1] + 1


def test_what_is_lost_at_a_low_rate_is_lost_at_a_higher_one() -> None:
    """The loss rates differ in nothing but the loss."""
    events = [event for life in lives.draw(100, SEED) for event in life.events]
    lost = [{event for event in events if event.is_lost(loss)} for loss in (0.0, 0.1, 0.5, 1.0)]

    assert lost[0] == set()
    assert lost[1] < lost[2] < lost[3] == set(events)
