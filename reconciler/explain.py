"""Explain: what is known about a job on the three axes and about our own asking, each statement with the facts it rests on.

It uses the rules that classification uses, so that an explanation cannot differ from a failure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.accounting import Reckoning, reckon
from reconciler.classify import Failure, cancellation, execution
from reconciler.facts import Facts
from reconciler.ready import missing_for_ready, missing_for_settled
from schemas.tables import AttemptRow, SourceRow
from schemas.times import in_words, rfc3339
from schemas.words import ActionVerb, Category, Status

Axis = Literal["execution", "cancellation", "delivery", "asking"]
Tone = Literal["good", "note", "trouble", "failure"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One value, where it was read, and when (microseconds)."""

    name: str
    value: Any
    read_from: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion. `rule` names what it was concluded by."""

    axis: Axis
    rule: str
    tone: Tone
    message: str
    facts: tuple[Fact, ...] = ()


def explain(facts: Facts, source: SourceRow | None, now: int) -> tuple[Finding, ...]:
    """Every finding about one job, at least one on each axis."""
    return (
        *_or_good(_failures("execution", execution(facts, now), facts), _going(facts)),
        *_or_good(_failures("cancellation", cancellation(facts, now), facts), _no_cancel(facts)),
        *_deliveries(facts, now),
        *_asking(facts, source, now),
    )


def _or_good(findings: Iterable[Finding], otherwise: Finding) -> list[Finding]:
    return list(findings) or [otherwise]


def _failures(axis: Axis, failures: Iterable[Failure], facts: Facts) -> Iterator[Finding]:
    for failure in failures:
        yield Finding(axis, failure.code.value, "failure", failure.message, tuple(_evidence(failure, facts)))


def _evidence(failure: Failure, facts: Facts) -> Iterator[Fact]:
    """The facts of a failure, each with the place that it was read from."""
    for name, value in failure.evidence.items():
        if value not in (None, [], {}):
            is_action = name.startswith(("asked", "cancel", "sent", "answer", "reason", "http", "message"))
            if failure.category is Category.CANCELLATION and is_action:
                yield Fact(name, value, "the action")
            else:
                yield Fact(name, value, _answer_name(facts), facts.job.answered_at)


def _going(facts: Facts) -> Finding:
    status = facts.status
    message = (
        "completed, and no row is known to have failed" if status is Status.COMPLETED else f"{status}, as last told"
    )
    return Finding("execution", "status", "good", message, (_status(facts),))


def _no_cancel(facts: Facts) -> Finding:
    asked = [action for action in facts.actions if action.verb == ActionVerb.CANCEL]
    if not asked:
        return Finding("cancellation", "not_asked", "good", "nobody asked to cancel it")
    last = asked[-1]
    told = Fact(
        "action", {"state": last.state, "reason": last.reason, "by": last.asked_by}, "the action", last.asked_at
    )
    return Finding("cancellation", "under_way", "note", f"a cancel was asked for and is {last.state}", (told,))


def _deliveries(facts: Facts, now: int) -> Iterator[Finding]:
    reckonings = reckon(facts, now)
    if not reckonings:
        yield Finding("delivery", "none_expected", "good", _why_none(facts), (_status(facts),))
    for reckoning in reckonings:
        yield _delivery(reckoning, facts)
    expected = {key for item in facts.expectations for key in getattr(item, "keys", ())}
    for row in facts.deliveries:
        if row.delivery_key not in expected:
            fact = Fact(row.delivery_key, f"{row.verdict or 'not judged yet'}", "our ledger", row.first_received_at)
            yield Finding("delivery", "received", "note", f"{row.delivery_key} came, unasked for at the end", (fact,))


def _delivery(reckoning: Reckoning, facts: Facts) -> Finding:
    told = [
        Fact(f"attempt {row.number}", _attempt(row), "the provider's account", row.tried_at or None)
        for row in reckoning.attempts
    ]
    row = reckoning.delivery
    if row is not None:
        told.append(Fact("received", row.times_received, "our ledger", row.first_received_at))
        late = facts.job.ended_at is not None and row.first_received_at > facts.job.ended_at
        message = f"{reckoning.name}: {reckoning.why}"
        message += ", after we had asked and knew" if late else ""
        return Finding("delivery", "received", "good", message, tuple(told))
    if facts.job.account_seen_at is not None:
        told.append(Fact("attempts", len(reckoning.attempts), "the provider's account", facts.job.account_seen_at))
    if facts.window_end is not None:
        told.append(Fact("window_end", rfc3339(facts.window_end), "the source's delivery window"))
    if reckoning.code is None:
        return Finding("delivery", reckoning.outcome, "note", f"{reckoning.name}: {reckoning.why}", tuple(told))
    told.append(_status(facts))
    message = f"{reckoning.name}: {reckoning.why}; the end was found by asking"
    return Finding("delivery", reckoning.code.value, "failure", message, tuple(told))


def _attempt(row: AttemptRow) -> dict[str, Any]:
    told = {"outcome": row.outcome, "response_status": row.response_status, "error": row.error, "preview": row.preview}
    return {name: value for name, value in told.items() if value is not None}


def _why_none(facts: Facts) -> str:
    if not facts.status.is_terminal:
        return "it has not ended, so no announcement of its end is due"
    if not facts.job.has_webhook:
        return "it has no webhook of ours, so no delivery is expected"
    return "no delivery is expected for such an end, by the events that we listen for"


def _asking(facts: Facts, source: SourceRow | None, now: int) -> Iterator[Finding]:
    job = facts.job
    if source is not None and source.trouble:
        again = Fact(
            "asking_again_at", rfc3339(source.asking_again_at or now), "the source's circuit", source.trouble_since
        )
        yield Finding("asking", source.trouble, "trouble", f"the whole source: {source.trouble_message}", (again,))
    if job.trouble:
        since = in_words(now - (job.trouble_since or now))
        fact = Fact(
            "failed_asks", job.failed_asks or job.denials or job.claim_asks, "our own questions", job.trouble_since
        )
        yield Finding("asking", job.trouble, "trouble", f"for {since}: {job.trouble_message}", (fact,))
    if job.claimed_at is not None and not job.trouble:
        fact = Fact("reported", job.wanted_status, "a webhook", job.claimed_at)
        yield Finding(
            "asking", "unconfirmed", "note", "an end is reported that its status endpoint does not confirm yet", (fact,)
        )
    waiting = missing_for_ready(facts, now) if not job.ready_at else missing_for_settled(facts, reckon(facts, now), now)
    for missing in waiting:
        fact = Fact("waiting", in_words(now - missing.since), "our own store", missing.since)
        yield Finding("asking", "waiting", "note", missing.condition, (fact,))
    yield Finding("asking", "asked", "good", _asked(facts, now), (_status(facts),))


def _asked(facts: Facts, now: int) -> str:
    job = facts.job
    if job.answered_at is None:
        return "nobody has had an answer about it yet"
    following = "never again, unless something new is heard" if job.due_at is None else f"next at {rfc3339(job.due_at)}"
    return f"answered {job.asks} times, last {in_words(now - job.answered_at)} ago; {following}"


def _status(facts: Facts) -> Fact:
    job = facts.job
    return Fact("status", job.native_status or job.status, _answer_name(facts), job.answered_at)


def _answer_name(facts: Facts) -> str:
    return "an answer of the provider" if facts.job.answered_at else "our own store"
