"""The list before single polls: when it is worth asking, and what its word does to a job that we know. Pure.

A list lags, so its word stands for a job's own status only while the job's last own answer is young enough.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.apply import Rules, apply
from reconciler.pace import Circumstances, Pace, after_list, clamp, growing
from schemas.readings import Observation
from schemas.tables import JobRow
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import Asked, Status

SEVERAL = 3  # jobs due that a list could spare us: with fewer, single questions cost no more
PAUSE, LONGEST_PAUSE = 5 * SECOND, 5 * MINUTE  # between two lists; it grows while they are in vain
REFUSED_PAUSE = HOUR  # after one that was refused as such: a gateway that has no list will hardly get one in a minute
AHEAD = MINUTE  # who falls due so soon counts with those that are due, and is put off by the same word


@dataclass(frozen=True, slots=True)
class Listing:
    """How asking one source's list has gone. Times in microseconds."""

    sent_at: int = 0  # when the question left whose answer was last taken in
    again_at: int = 0
    in_vain: int = 0  # lists in a row that failed, or spared us too little

    def after(self, sent_at: int, spared: int, now: int, least: int = 0) -> "Listing":
        """After an answer that spared us so many single questions. `least` is the pause that its provider wants."""
        in_vain = 0 if spared >= SEVERAL else self.in_vain + 1
        return Listing(sent_at, now + max(least, growing(PAUSE, 2.0, in_vain, LONGEST_PAUSE)), in_vain)

    def failed(self, retry_after: int | None, now: int) -> "Listing":
        in_vain = self.in_vain + 1
        wait = max(growing(PAUSE, 2.0, in_vain, LONGEST_PAUSE), clamp(retry_after))
        return replace(self, again_at=now + wait, in_vain=in_vain)

    def refused(self, now: int) -> "Listing":
        """After an answer that there is no such question."""
        return replace(self, again_at=now + REFUSED_PAUSE, in_vain=self.in_vain + 1)

    def looked(self, now: int) -> "Listing":
        """There was nothing to ask it for."""
        return replace(self, again_at=now + SECOND)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which due jobs to ask about one by one, and whether to ask the list about the others, which it is `hoped` to show."""

    ask_list: bool
    singly: Sequence[JobRow]
    hoped: frozenset[tuple[str, str]] = frozenset()  # kind and provider's job id


def choose(
    soon: Sequence[JobRow], listed: Collection[str], listing: Listing, in_flight: bool, trust: int, now: int
) -> Choice:
    """Whether the list goes first, from what is due or falls due within `AHEAD`: jobs fall due one by one, and hardly ever
    several at the same moment. While it is in flight, those that it may put off wait for it, and nobody else. `listed` are
    the kinds of job that it shows."""
    due = [job for job in soon if job.due_at is not None and job.due_at <= now]
    shown = [job for job in soon if job.kind in listed and not _was_passed_over(job, listing)]
    coverable = {job.id for job in shown if may_be_put_off(job, trust, now)}
    is_its_turn = not in_flight and now >= listing.again_at
    ask_list = is_its_turn and len(coverable) >= SEVERAL and any(job.id in coverable for job in due)
    waiting = coverable if in_flight or ask_list else set()
    hoped = frozenset((job.kind, job.job_id) for job in soon if ask_list and job.id in coverable)
    return Choice(ask_list, [job for job in due if job.id not in waiting], hoped)


def may_be_put_off(job: JobRow, trust: int, now: int) -> bool:
    """A list's word may do for this job: it is open by a recent answer of its own, and nothing speaks against it."""
    is_plain = Status(job.status) is not Status.UNKNOWN and not Status(job.status).is_terminal
    is_quiet = job.wanted_at is None and job.claimed_at is None and not job.failed_asks and not job.denials
    return is_plain and is_quiet and job.answered_at is not None and 0 <= now - job.answered_at < trust


def _was_passed_over(job: JobRow, listing: Listing) -> bool:
    """It was due when the last list was asked, and is due still: it was not on it."""
    return job.due_at is not None and job.due_at <= listing.sent_at


@dataclass(frozen=True, slots=True)
class Word:
    """What a list's word about one job changes, and whether it spares us a question about it for now."""

    changes: dict[str, Any]
    claims_end: bool = False
    spares: bool = False


def hear(
    job: JobRow,
    seen: Observation,
    sent_at: int,
    about: Circumstances,
    pace: Pace,
    rules: Rules,
    trust: int,
    jitter: float,
    now: int,
) -> Word:
    """What the list says about a job that we know. `sent_at` is when its question left."""
    applied = apply(job, Asked.LIST, sent_at, seen, rules, now)
    if "wanted_at" in applied.changes:
        return Word(dict(applied.changes), claims_end=True)
    due_at = _put_off(job, seen, sent_at, about, pace, trust, jitter, now)
    if due_at is None:
        return Word(dict(applied.changes))
    return Word({**applied.changes, "due_at": due_at}, spares=True)


def _put_off(
    job: JobRow,
    seen: Observation,
    sent_at: int,
    about: Circumstances,
    pace: Pace,
    trust: int,
    jitter: float,
    now: int,
) -> int | None:
    is_news = job.asked_at is None or job.asked_at < sent_at
    if seen.status.is_terminal or not is_news or not may_be_put_off(job, trust, now):
        return None
    if job.due_at is None or job.due_at > now + AHEAD:
        return None
    due_at = after_list(job, about, pace, trust, jitter, now)
    return due_at if due_at > max(now, job.due_at) else None
