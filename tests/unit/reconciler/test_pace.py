"""Pace: when to ask next. Grace, growth, the cap, wishes of the provider, silence, and the end of the asking."""

from dataclasses import replace

import pytest
from factories import DAY, ENDS, NOW, OPEN_STATUSES, PACE, job, jobs, maybe, moments, paces, thoroughly
from hypothesis import given
from hypothesis import strategies as st

from reconciler.pace import CLAIM_STEPS, RETRY_AFTER_MOST, Circumstances, Pace, clamp, growing, next_ask
from schemas.tables import JobRow
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import Status

MIDDLE = 0.5  # the jitter that leaves a wait as it is
ALONE, EXPECTING = Circumstances(), Circumstances(webhook_expected=True)


def wait(row: JobRow, about: Circumstances = ALONE, jitter: float = MIDDLE, pace: Pace = PACE) -> int | None:
    due = next_ask(row, about, pace, jitter, NOW)
    return None if due is None else due - NOW


def seconds(row: JobRow, about: Circumstances = ALONE) -> float | None:
    waited = wait(row, about)
    return None if waited is None else waited / SECOND


# --- while open -------------------------------------------------------------------------------------------------------


def test_unknown_at_once() -> None:
    """A job that nobody has asked about is asked about now, whether webhooks are expected or not."""
    assert wait(job(Status.UNKNOWN)) == wait(job(Status.UNKNOWN), EXPECTING) == 0


@pytest.mark.parametrize("status", OPEN_STATUSES[1:])
@pytest.mark.parametrize(
    ("asks", "expected"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (1 << 62, 900)]
)
def test_growth_and_cap(status: Status, asks: int, expected: int) -> None:
    """Each routine wait is twice the one before, from half a minute up to a quarter of an hour."""
    assert seconds(job(status, asks=asks)) == expected


@pytest.mark.parametrize(
    ("grace", "asks", "expected"), [(60, 1, 60), (10, 1, 30), (60, 2, 60), (60, 3, 120), (7200, 1, 900), (7200, 2, 60)]
)
def test_grace(grace: int, asks: int, expected: int) -> None:
    """Where webhooks are expected the first routine question waits for them, within the cap; later ones do not."""
    pace = replace(PACE, grace=grace * SECOND)
    assert wait(job(asks=asks), EXPECTING, pace=pace) == expected * SECOND
    assert wait(job(asks=1), ALONE, pace=pace) == 30 * SECOND


@pytest.mark.parametrize(
    ("silent", "asks", "expected"),
    [
        (None, 1, 60),
        (None, 4, 240),
        (None, 9, 900),
        (False, 1, 90),
        (False, 4, 360),
        (False, 9, 900),  # webhooks arrive: longer, within the cap
        (True, 1, 15),
        (True, 4, 120),
        (True, 9, 450),  # gone silent: shorter, and no grace
    ],
)
def test_silence(silent: bool | None, asks: int, expected: int) -> None:
    """Webhooks that arrive make the asking rarer, and a silent source more frequent."""
    assert seconds(job(asks=asks), Circumstances(webhook_expected=True, source_silent=silent)) == expected
    assert seconds(job(asks=4), Circumstances(webhook_expected=False, source_silent=silent)) == 240


@pytest.mark.parametrize("about", [ALONE, EXPECTING, replace(EXPECTING, source_silent=False)])
@pytest.mark.parametrize("asks", [1, 2, 9])
def test_jitter(about: Circumstances, asks: int) -> None:
    """Jitter spreads every routine wait by 15 % to both sides, at the cap too: what began together does not stay together."""
    least, middle, most = (wait(job(asks=asks), about, jitter) or 0 for jitter in (0.0, 0.5, 1.0))
    assert (least, most) == (int(middle * 0.85), pytest.approx(middle * 1.15, abs=1))
    assert least < middle < most


@pytest.mark.parametrize(("claim_asks", "expected"), [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 900), (99, 900)])
def test_claim(claim_asks: int, expected: int) -> None:
    """A reported end that is not confirmed is asked about in quick steps, and then by routine."""
    assert seconds(job(asks=9, claimed_at=NOW, claim_asks=claim_asks)) == expected


def test_claim_steps_within_cap() -> None:
    """The steps are never longer than the longest wait that is configured."""
    pace = replace(PACE, first=SECOND, cap=2 * SECOND)
    for claim_asks in range(1, len(CLAIM_STEPS) + 1):
        assert wait(job(claimed_at=NOW, claim_asks=claim_asks), pace=pace) == 2 * SECOND


@pytest.mark.parametrize(("denials", "expected"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (1 << 62, 900)])
def test_denied(denials: int, expected: int) -> None:
    """A denied job is asked about again soon, then ever more rarely."""
    assert seconds(job(denials=denials)) == expected


# --- wanted, and when asking fails ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_wanted(status: Status) -> None:
    """Evidence makes a job due now, ended or not, denied or not."""
    assert wait(job(status, wanted_at=NOW - 5, denials=3)) == 0


@pytest.mark.parametrize("row", [job(wanted_at=NOW), job(Status.UNKNOWN), job(Status.COMPLETED, wanted_at=NOW), job()])
@pytest.mark.parametrize(
    ("failed", "expected"), [(1, 5), (2, 10), (3, 20), (4, 40), (8, 640), (9, 900), (1 << 62, 900)]
)
def test_failing(row: JobRow, failed: int, expected: int) -> None:
    """When asking fails, no job is asked about without a pause, however much it is wanted."""
    row = JobRow(**{**row.model_dump(), "failed_asks": failed})
    assert seconds(row) == expected
    spread = [wait(row, jitter=jitter) or 0 for jitter in (0.0, 1.0)]
    assert spread == pytest.approx([expected * 0.85 * SECOND, expected * 1.15 * SECOND], abs=1)


@pytest.mark.parametrize(
    ("wish", "held"),
    [
        (None, 0),
        (-(1 << 62), SECOND),
        (-1, SECOND),
        (0, SECOND),
        (SECOND - 1, SECOND),
        (30 * SECOND, 30 * SECOND),
        (15 * MINUTE, 15 * MINUTE),
        (15 * MINUTE + 1, 15 * MINUTE),
        (1 << 62, 15 * MINUTE),
    ],
)
def test_threat_54_retry_after(wish: int | None, held: int) -> None:
    """A provider's wish to wait is obeyed between a second and a quarter of an hour; it never shortens a wait of ours."""
    assert clamp(wish) == held
    assert wait(job(failed_asks=1), Circumstances(retry_after=wish)) == max(5 * SECOND, held)
    assert wait(job(failed_asks=0), Circumstances(retry_after=wish)) == 30 * SECOND


# --- after the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
def test_never_again(end: Status) -> None:
    """An ended job of which nothing is awaited is never asked about again, not even after a failed question."""
    for about in (
        ALONE,
        EXPECTING,
        Circumstances(retry_after=MINUTE),
        Circumstances(window_end=NOW, account_is_final=True),
    ):
        assert next_ask(job(end), about, PACE, MIDDLE, NOW) is None
        assert next_ask(job(end, failed_asks=4), about, PACE, MIDDLE, NOW) is None
        assert next_ask(job(end, denials=4, claimed_at=NOW, claim_asks=1), about, PACE, MIDDLE, NOW) is None


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("left", [45 * MINUTE, MINUTE])
def test_window_end(end: Status, left: int) -> None:
    """While deliveries are awaited, the one question left is just after the end of their window."""
    about = Circumstances(window_end=NOW + left)
    for jitter in (0.0, 1.0):
        assert left < (wait(job(end), about, jitter) or 0) < left + 2 * SECOND


@pytest.mark.parametrize("past", [0, HOUR, 9 * DAY])
def test_window_long_over(past: int) -> None:
    """A window that is over is asked about soon, with a pause, and after a failure with the pause that failures ask for."""
    about = Circumstances(window_end=NOW - past)
    assert seconds(job(Status.FAILED), about) == 11
    assert seconds(job(Status.FAILED, failed_asks=4), about) == 40


def test_failure_before_window_end() -> None:
    """A failed question does not bring forward the one at the end of the window."""
    assert (wait(job(Status.FAILED, failed_asks=1), Circumstances(window_end=NOW + HOUR)) or 0) > HOUR


@pytest.mark.parametrize(
    ("ended_ago", "expected"), [(0, 10), (10, 10), (30, 30), (120, 120), (600, 300), (890, 10), (899, 1), (900, None)]
)
def test_output_awaited(ended_ago: int, expected: int | None) -> None:
    """While an output is missing we ask ever more rarely, last of all when the patience for it ends."""
    row = job(Status.COMPLETED, ended_at=NOW - ended_ago * SECOND)
    assert seconds(row, Circumstances(output_unnamed=True)) == expected


def test_sooner_of_two() -> None:
    """Of a missing output and the end of the window, the sooner one makes us ask."""
    row, window_end = job(Status.COMPLETED, ended_at=NOW), NOW + HOUR
    assert seconds(row, Circumstances(output_unnamed=True, window_end=window_end)) == 10
    assert seconds(row, Circumstances(output_unnamed=True, window_end=NOW - 5 * SECOND)) == 10


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("growth", "times"), [(10.0, 1 << 62), (1.0, 5), (2.0, 63), (2.0, 0)])
def test_growing(growth: float, times: int) -> None:
    """Growth ends at the cap, whatever the number of times."""
    assert growing(SECOND, growth, times, MINUTE) == (MINUTE if growth > 1 and times else SECOND)


circumstances = st.builds(
    Circumstances,
    webhook_expected=st.booleans(),
    source_silent=maybe(st.booleans()),
    window_end=maybe(moments),
    account_is_final=st.booleans(),
    output_unnamed=st.booleans(),
    retry_after=maybe(st.integers(-(1 << 62), 1 << 62)),
)


@thoroughly
@given(jobs, circumstances, paces, st.floats(0, 1), moments)
def test_total(row: JobRow, about: Circumstances, pace: Pace, jitter: float, now: int) -> None:
    """The next question is never in the past; an open job always has one, no further off than the cap and its jitter, or
    than a provider may wish; and the answer follows from the arguments alone."""
    before = row.model_dump()
    due = next_ask(row, about, pace, jitter, now)
    assert due == next_ask(row, about, pace, jitter, now)
    assert row.model_dump() == before
    assert due is None or due >= now
    if not Status(row.status).is_terminal:
        assert due is not None
        wished = clamp(about.retry_after) if row.failed_asks else 0
        assert due <= now + max(pace.cap * 1.15, wished)
        assert wished <= RETRY_AFTER_MOST
    if row.failed_asks and due is not None:
        assert due > now
