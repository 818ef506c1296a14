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
from schemas.tables import ActionRow, AttemptRow, DeliveryRow, SourceRow
from schemas.times import in_words, rfc3339
from schemas.words import ActionState, ActionVerb, Category, Status, Verdict

Axis = Literal["execution", "cancellation", "delivery", "asking"]
Tone = Literal["good", "note", "trouble", "failure"]

ANSWER, ACCOUNT, ACTION = "an answer of the provider", "the provider's account of its attempts", "what was asked for"
LEDGER, STORE, WINDOW = "our ledger of deliveries", "our own store", "the source's delivery window"
ROWS = "the rows that we fetched"

# What a failure's evidence holds that is not in the provider's answer.
_OURS = frozenset({"basis", "observed_at"})
_OF_ACTION = frozenset(
    {
        "asked_by",
        "reason",
        "asked_at",
        "cancel_url_present",
        "cancel_url_read_at",
        "sent_at",
        "answered_at",
        "answer",
        "http_status",
        "message",
    }
)


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


def explain(facts: Facts, source: SourceRow | None, now: int, is_owned: bool = True) -> tuple[Finding, ...]:
    """Every finding about one job, at least one on each axis. `is_owned`: a reconciler is at work for its source."""
    return (
        *_or(_failures("execution", execution(facts, now), facts), _going(facts, now)),
        *_or(_failures("cancellation", cancellation(facts, now), facts), _no_failure_of_cancel(facts, now)),
        *_deliveries(facts, now),
        *_asking(facts, source, now, is_owned),
    )


def _or(findings: Iterable[Finding], otherwise: Finding) -> list[Finding]:
    return list(findings) or [otherwise]


# Execution


def _failures(axis: Axis, failures: Iterable[Failure], facts: Facts) -> Iterator[Finding]:
    for failure in failures:
        yield Finding(axis, failure.code.value, "failure", failure.message, tuple(_evidence(failure, facts)))


def _evidence(failure: Failure, facts: Facts) -> Iterator[Fact]:
    """The facts of a failure, each with the place that it was read from."""
    for name, value in failure.evidence.items():
        if value in (None, [], {}) or (name == "native_status" and value == facts.job.status):
            continue
        if failure.category is Category.CANCELLATION and name in _OF_ACTION:
            yield Fact(name, value, ACTION)
        elif name in _OURS:
            yield Fact(name, value, STORE)
        elif name == "rows" and facts.current_match is not None:
            yield Fact(name, value, ROWS, facts.current_match.matched_at)
        else:
            yield Fact(name, value, _source_of_status(facts), facts.job.answered_at)


def _going(facts: Facts, now: int) -> Finding:
    job, told = facts.job, [_status(facts)]
    if (match := facts.current_match) is not None:
        names = ("asked", "succeeded", "repeated", "strange", "unreadable")
        told.append(Fact("rows", {name: getattr(match, name) for name in names}, ROWS, match.matched_at))
    elif job.rows_total:
        rows = {"total": job.rows_total, "completed": job.rows_completed, "failed": job.rows_failed}
        told.append(Fact("rows", rows, ANSWER, _told_at(facts)))
    if not facts.status.is_terminal and job.reported_status is not None:
        told.append(Fact("reported_status", job.reported_status, "a webhook", job.reported_at))
    return Finding("execution", "status", "good", _state(facts, now), tuple(told))


def _state(facts: Facts, now: int) -> str:
    job = facts.job
    if facts.status is Status.COMPLETED:
        return "completed, and no row is known to have failed"
    if facts.status is Status.CANCELLED:
        return "cancelled, so it did not fail by itself"
    if job.answered_at is None:
        return "what became of it is not known yet: the provider has not answered a question about it"
    if job.denied_since is not None and facts.status is Status.UNKNOWN:
        return f"what it is like is not known: the provider has denied it for {in_words(now - job.denied_since)}"
    if job.denied_since is not None:
        since = in_words(now - job.denied_since)
        return f"{facts.status}, as the provider said last; it has denied the job for {since}, since then"
    return f"{facts.status}, as the provider said {in_words(now - job.answered_at)} ago"


# Cancellation


def _no_failure_of_cancel(facts: Facts, now: int) -> Finding:
    asked = [action for action in facts.actions if action.verb == ActionVerb.CANCEL]
    if not asked:
        return Finding("cancellation", "not_asked", "good", "nobody asked us to cancel it")
    return Finding("cancellation", "under_way", "note", _standing(asked[-1], facts, now), tuple(_told_of(asked[-1])))


def _standing(action: ActionRow, facts: Facts, now: int) -> str:
    """Where the last cancel stands that is neither done nor a failure."""
    if action.state == ActionState.ACCEPTED:
        since = in_words(now - (action.answered_at or action.asked_at))
        return f"the provider accepted the cancel {since} ago, and the job is still {facts.status}"
    if action.sent_at is not None:
        return f"a cancel was sent {in_words(now - action.sent_at)} ago, and no answer to it has come yet"
    return f"a cancel was asked for {in_words(now - action.asked_at)} ago, and has not been sent yet"


def _told_of(action: ActionRow) -> Iterator[Fact]:
    yield Fact("asked_by", action.asked_by, ACTION, action.asked_at)
    yield Fact("reason", action.reason or "none given", ACTION, action.asked_at)
    if action.cancel_url_present is not None:
        yield Fact("cancel_url_present", bool(action.cancel_url_present), ACTION, action.cancel_url_read_at)
    if action.sent_at is not None:
        yield Fact("times_sent", action.sends, ACTION, action.sent_at)
    if action.answered_at is not None:
        yield Fact("answer", action.state, ACTION, action.answered_at)


# Delivery


def _deliveries(facts: Facts, now: int) -> Iterator[Finding]:
    reckonings = reckon(facts, now)
    if not reckonings:
        yield Finding("delivery", "none_expected", "good", _why_none(facts), (_status(facts),))
    for reckoning in reckonings:
        yield _delivery(reckoning, facts)
    expected = {key for item in facts.expectations for key in getattr(item, "keys", ())}
    for row in facts.deliveries:
        if row.delivery_key not in expected:
            yield _beside(row, facts)
        if row.verdict == Verdict.CONFLICT:
            yield _conflict(row, facts)


def _delivery(reckoning: Reckoning, facts: Facts) -> Finding:
    told = [_attempt(row) for row in reckoning.attempts]
    row, message = reckoning.delivery, f"{reckoning.name}: {reckoning.why}"
    if row is not None:
        is_late = facts.job.ended_at is not None and row.first_received_at > facts.job.ended_at
        message += ", after we had asked and knew" if is_late else ""
        return Finding("delivery", "received", "good", message, (*told, *_received(row)))
    if facts.job.account_seen_at is not None:
        told.append(Fact("attempts", len(reckoning.attempts), ACCOUNT, facts.job.account_seen_at))
    if facts.window_end is not None:
        told.append(Fact("window_end", rfc3339(facts.window_end), WINDOW))
    if reckoning.code is None:
        return Finding("delivery", reckoning.outcome, "note", message, tuple(told))
    told.append(_status(facts))
    return Finding("delivery", reckoning.code.value, "failure", f"{message}; the end was found by asking", tuple(told))


def _attempt(row: AttemptRow) -> Fact:
    told = {"outcome": row.outcome, "response_status": row.response_status, "error": row.error, "preview": row.preview}
    said = {name: value for name, value in told.items() if value is not None}
    return Fact(f"attempt {row.number}", said, ACCOUNT, row.tried_at or None)


def _received(row: DeliveryRow) -> Iterator[Fact]:
    yield Fact("times_received", row.times_received, LEDGER, row.first_received_at)
    if row.reported_status is not None:
        yield Fact("reported_status", row.reported_status, LEDGER, row.first_received_at)
    yield Fact("verdict", row.verdict or "not judged yet", LEDGER, row.first_received_at)


def _beside(row: DeliveryRow, facts: Facts) -> Finding:
    """A delivery that is not one of those that announce the end."""
    message = f"{row.delivery_key} came" + (", which the end does not call for" if facts.status.is_terminal else "")
    if row.verdict == Verdict.UNREADABLE:
        message += "; its content cannot be read, and is kept whole"
    return Finding("delivery", "received", "note", message, tuple(_received(row)))


def _conflict(row: DeliveryRow, facts: Facts) -> Finding:
    """Two ends are claimed. The provider's own answer stands."""
    reported = Fact("reported_status", row.reported_status, LEDGER, row.last_received_at)
    message = f"{row.delivery_key} reports another end than the provider's answer, which is the one that counts"
    return Finding("delivery", "conflict", "trouble", message, (reported, _status(facts)))


def _why_none(facts: Facts) -> str:
    job = facts.job
    if not facts.status.is_terminal:
        return "it has not ended, so no announcement of its end is due"
    if job.has_webhook is None:
        return "nobody has said whether it has a webhook of ours, so no delivery is expected"
    if not job.has_webhook:
        return "it has no webhook of ours, so no delivery is expected"
    if (job.provider_ended_at or job.ended_at or 0) < facts.terms.listening_since:
        return "it ended before we began to listen, so no delivery is expected"
    return "none of the events that we listen for announces such an end, so no delivery is expected"


# Our own asking


def _asking(facts: Facts, source: SourceRow | None, now: int, is_owned: bool) -> Iterator[Finding]:
    job = facts.job
    if not is_owned:
        message = "no reconciler is at work for this source, so nobody asks: start `batchkeeper up` or `reconcile`"
        yield Finding("asking", "unowned", "trouble", message, (Fact("lease", "not held", STORE, now),))
    if source is not None and source.trouble:
        again = [Fact("asking_again_at", rfc3339(source.asking_again_at), STORE)] if source.asking_again_at else []
        since = Fact("trouble", source.trouble, "our own questions", source.trouble_since)
        yield Finding(
            "asking", source.trouble, "trouble", f"the whole source: {source.trouble_message}", (since, *again)
        )
    if job.trouble:
        yield _trouble(facts, now)
    if job.claimed_at is not None and not job.trouble:
        claim = Fact("reported_status", job.wanted_status or "an end", "a webhook, or the list", job.claimed_at)
        message = "an end is reported that the provider's own answers do not confirm yet"
        yield Finding("asking", "unconfirmed", "note", message, (claim, _status(facts)))
    for action in facts.actions:
        if action.verb == ActionVerb.POLL and action.state == ActionState.ASKED:
            asked = Fact("asked_by", action.asked_by, ACTION, action.asked_at)
            yield Finding("asking", "poll_asked", "note", "a poll was asked for, and has not begun yet", (asked,))
        elif action.verb in (ActionVerb.PAUSE, ActionVerb.RESUME):
            yield _held(action)
    waiting = missing_for_ready(facts, now) if not job.ready_at else missing_for_settled(facts, reckon(facts, now), now)
    for missing in waiting:
        fact = Fact("waiting", in_words(now - missing.since), STORE, missing.since)
        tone: Tone = "trouble" if missing.is_parked else "note"
        yield Finding("asking", "parked" if missing.is_parked else "waiting", tone, missing.condition, (fact,))
    yield Finding("asking", "asked", "good", _asked(facts, now), tuple(_asks(facts)))


_STANDS = {
    ActionState.ASKED: "it has not been sent yet",
    ActionState.ACCEPTED: "the provider took it, and whether it comes true is to be seen",
    ActionState.REFUSED: "the provider refused it",
    ActionState.MOOT: "the job had ended",
}


def _held(action: ActionRow) -> Finding:
    """A pause or a resume, and what came of it."""
    asked = Fact("asked_by", action.asked_by, ACTION, action.asked_at)
    told = Fact("state", action.state, ACTION, action.answered_at)
    stands = _STANDS.get(ActionState(action.state), "")
    said = ": ".join(part for part in (stands, action.message) if part)
    return Finding(
        "asking", f"{action.verb}_{action.state}", "note", f"a {action.verb} was asked for: {said}", (asked, told)
    )


def _trouble(facts: Facts, now: int) -> Finding:
    job = facts.job
    asks = job.failed_asks or job.denials or job.claim_asks
    since = in_words(now - (job.trouble_since or now))
    fact = Fact("questions_since", asks, "our own questions", job.trouble_since)
    return Finding("asking", str(job.trouble), "trouble", f"for {since}: {job.trouble_message}", (fact,))


def _asked(facts: Facts, now: int) -> str:
    job = facts.job
    if job.answered_at is None:
        told = "no answer about it has come yet"
    else:
        times = "once" if job.asks == 1 else f"{job.asks} times"
        told = f"answered {times}, last {in_words(now - job.answered_at)} ago"
    if job.due_at is None:
        return f"{told}; never asked again, unless something new is heard"
    return f"{told}; next asked " + (f"in {in_words(job.due_at - now)}" if job.due_at > now else "now")


def _asks(facts: Facts) -> Iterator[Fact]:
    job = facts.job
    yield Fact("answers", job.asks, "our own questions", job.answered_at)
    if job.due_at is not None:
        yield Fact("next_at", rfc3339(job.due_at), STORE)


def _status(facts: Facts) -> Fact:
    job = facts.job
    return Fact("status", job.native_status or job.status, _source_of_status(facts), _told_at(facts))


def _told_at(facts: Facts) -> int | None:
    """When the provider said last what the job is like; None: that is too long ago to know. A denial says nothing of it."""
    return None if facts.job.denied_since is not None else facts.job.answered_at


def _source_of_status(facts: Facts) -> str:
    return ANSWER if facts.job.answered_at else STORE
