"""Pace: when to ask about a job next, if ever. Every number is microseconds; jitter is a number from 0 to 1."""

from dataclasses import dataclass

from schemas.tables import JobRow
from schemas.times import MINUTE, SECOND
from schemas.words import Status

CLAIM_STEPS = (5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND)  # after a reported end that is not confirmed yet
RETRY_FIRST, RETRY_GROWTH = 5 * SECOND, 2.0
OUTPUT_FIRST = 10 * SECOND
CANCELLING = 20 * SECOND  # between two questions about a job that is being cancelled
RETRY_AFTER_LEAST, RETRY_AFTER_MOST = SECOND, 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Pace:
    """The pacing of one source, from its configuration."""

    grace: int  # before the first routine question about a job whose news should come by webhook
    first: int
    growth: float
    cap: int
    output_patience: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the job itself."""

    webhook_expected: bool = False
    source_silent: bool | None = (
        None  # True: jobs end and no webhook comes; False: they come; None: nothing to tell from
    )
    window_end: int | None = None  # when the delivery window of a terminal job is over; None: nothing is awaited
    account_is_final: bool = False  # the provider's account has been read after that
    is_cancelling: bool = False  # a cancel, a pause or a resume was accepted, and does not show yet
    output_unnamed: bool = False  # the provider has not said where the rows are, or what it named is not there
    retry_after: int | None = None


def next_ask(job: JobRow, about: Circumstances, pace: Pace, jitter: float, now: int) -> int | None:
    """When to ask about this job next; None is never, unless something new is heard."""
    retry = now + max(_retry(job.failed_asks, pace, jitter), clamp(about.retry_after)) if job.failed_asks > 0 else now
    if Status(job.status).is_terminal and job.wanted_at is None:
        planned = _after_end(job, about, pace, jitter, now)
        return None if planned is None else max(planned, retry)
    if job.failed_asks > 0 or job.wanted_at is not None:
        return retry
    if job.denials > 0:
        return now + _retry(job.denials, pace, jitter)
    return _while_open(job, about, pace, jitter, now)


def after_list(job: JobRow, about: Circumstances, pace: Pace, trust: int, jitter: float, now: int) -> int:
    """When to ask about a job itself that the list shows open: a list's word is an answer too, so as long again as its own
    is old, and at least its interval; but within the cap, and while its own answer can still be trusted."""
    answered_at = job.answered_at if job.answered_at is not None else now - trust
    wait = min(max(_interval(job, about, pace), now - answered_at), pace.cap)
    return min(now + spread(wait, jitter), answered_at + int(trust * (0.85 + 0.15 * jitter)))


def clamp(retry_after: int | None) -> int:
    """A provider's wish, held between a second and a quarter of an hour; no wish is no delay."""
    return 0 if retry_after is None else max(RETRY_AFTER_LEAST, min(retry_after, RETRY_AFTER_MOST))


def growing(first: int, growth: float, times: int, cap: int) -> int:
    """`first * growth ** times`, never more than `cap`. The exponent is held, so that the millionth time cannot overflow."""
    return min(cap, int(first * growth ** min(times, 64)))


def _while_open(job: JobRow, about: Circumstances, pace: Pace, jitter: float, now: int) -> int:
    if job.status == Status.UNKNOWN:
        return now
    if job.claimed_at is not None and job.claim_asks <= len(CLAIM_STEPS):
        return now + min(CLAIM_STEPS[max(0, job.claim_asks - 1)], pace.cap)
    return now + spread(_interval(job, about, pace), jitter)


def _interval(job: JobRow, about: Circumstances, pace: Pace) -> int:
    """Between an answer about an open job and the next routine question."""
    wait = growing(pace.first, pace.growth, max(0, job.asks - 1), pace.cap)
    if about.webhook_expected:
        wait = max(wait, pace.grace) if job.asks <= 1 and about.source_silent is not True else wait
        wait = int(wait * _TRUST[about.source_silent])
    return min(wait, pace.cap, CANCELLING if about.is_cancelling else pace.cap)


# Webhooks that arrive make asking a second line; a source gone silent makes it the only one.
_TRUST = {True: 0.5, None: 1.0, False: 1.5}


def _after_end(job: JobRow, about: Circumstances, pace: Pace, jitter: float, now: int) -> int | None:
    ended_at = job.ended_at or now
    candidates = []
    patience_end = ended_at + pace.output_patience
    if about.output_unnamed and now < patience_end:
        candidates.append(min(now + max(OUTPUT_FIRST, min(now - ended_at, pace.cap)), patience_end))
    if about.window_end is not None and not about.account_is_final:
        candidates.append(max(now + OUTPUT_FIRST, about.window_end) + spread(SECOND, jitter))
    return min(candidates, default=None)


def _retry(times: int, pace: Pace, jitter: float) -> int:
    return spread(growing(RETRY_FIRST, RETRY_GROWTH, times - 1, pace.cap), jitter)


def spread(wait: int, jitter: float) -> int:
    """Between 85 and 115 % of a wait, so that jobs that began together do not stay together."""
    return int(wait * (0.85 + 0.3 * jitter))
