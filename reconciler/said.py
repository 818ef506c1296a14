"""What the provider said of a job last, as a fact: its word, and when it was said."""

from reconciler.facts import Facts
from reconciler.finding import ANSWER, STORE, Fact


def status_fact(facts: Facts) -> Fact:
    job = facts.job
    return Fact("status", job.native_status or job.status, place_of_status(facts), told_at(facts))


def told_at(facts: Facts) -> int | None:
    """When the provider said last what the job is like; None: that is too long ago to know. A denial says nothing of it."""
    return None if facts.job.denied_since is not None else facts.job.answered_at


def place_of_status(facts: Facts) -> str:
    return ANSWER if facts.job.answered_at else STORE
