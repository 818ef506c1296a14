"""Explain: what is known about a job on the three axes and about our own asking, each statement with the facts it rests on.

It uses the rules that classification uses, so that an explanation cannot differ from a failure.
"""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.classify import Failure, cancellation, execution, telling
from reconciler.explain_asking import asking
from reconciler.explain_delivery import deliveries, of_source
from reconciler.facts import Facts
from reconciler.finding import ACTION, ANSWER, ROWS, STORE, WEBHOOK, Axis, Fact, Finding
from reconciler.said import place_of_status, status_fact, told_at
from schemas.tables import ActionRow, FindingRow, SourceRow
from schemas.times import in_words
from schemas.words import ActionState, ActionVerb, Category, SourceRule, Status

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


def explain(
    facts: Facts,
    source: SourceRow | None,
    now: int,
    is_owned: bool = True,
    of_the_source: Sequence[FindingRow] = (),
) -> tuple[Finding, ...]:
    """
    Every finding about one job, at least one on each axis. `is_owned`: a reconciler is at work for its source, `of_the_source`:
    the findings that stand against that.
    """
    is_told = source is not None and bool(source.trouble)  # below, as it is just now
    beside = list(of_source([row for row in of_the_source if not (is_told and row.rule == SourceRule.ASKING_FAILS)]))
    return (
        *_or(_failures("execution", execution(facts, now), facts), _going(facts, now)),
        *_or(_failures("cancellation", cancellation(facts, now), facts), _no_failure_of_cancel(facts, now)),
        *deliveries(facts, now),
        *(finding for finding in beside if finding.axis == "delivery"),
        *(finding for finding in beside if finding.axis == "asking"),
        *asking(facts, source, now, is_owned),
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
            yield Fact(name, value, place_of_status(facts), facts.job.answered_at)


def _going(facts: Facts, now: int) -> Finding:
    job, told = facts.job, [status_fact(facts)]
    if (match := facts.current_match) is not None:
        names = ("asked", "succeeded", "repeated", "strange", "unreadable")
        told.append(Fact("rows", {name: getattr(match, name) for name in names}, ROWS, match.matched_at))
    elif job.rows_total:
        rows = {"total": job.rows_total, "completed": job.rows_completed, "failed": job.rows_failed}
        told.append(Fact("rows", rows, ANSWER, told_at(facts)))
    if not facts.status.is_terminal and job.reported_status is not None:
        told.append(Fact("reported_status", job.reported_status, WEBHOOK, job.reported_at))
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
    (tells,) = telling(asked)
    return Finding("cancellation", "under_way", "note", _standing(tells, facts, now), tuple(_told_of(tells)))


def _standing(action: ActionRow, facts: Facts, now: int) -> str:
    """Where a cancel stands that is neither done nor a failure."""
    if action.state == ActionState.ACCEPTED:
        since = in_words(now - (action.answered_at or action.asked_at))
        return f"the provider accepted the cancel {since} ago, and the job is still {facts.status}"
    if action.answered_at is not None:
        said = f": {action.message}" if action.message else ""
        return f"a cancel was asked for, and is {ActionState(action.state).replace('_', ' ')}{said}"
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
