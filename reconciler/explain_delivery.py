"""Explain, the news of a job: what came, what should have come, and what is found of its source that keeps news away."""

import json
from collections.abc import Iterator, Sequence

from reconciler.accounting import Reckoning, reckon, was_refused
from reconciler.facts import Facts
from reconciler.finding import ACCOUNT, LEDGER, STORE, WINDOW, Axis, Fact, Finding
from reconciler.said import status_fact
from reconciler.verdicts import sentence
from schemas.tables import AttemptRow, DeliveryRow, FindingRow
from schemas.times import parse_rfc3339, rfc3339
from schemas.words import SourceRule, Verdict

# Findings about a source that are told elsewhere than with its webhooks.
OF_ASKING = frozenset({SourceRule.OWN_CLOCK, SourceRule.ASKING_FAILS})


def deliveries(facts: Facts, now: int) -> Iterator[Finding]:
    reckonings = reckon(facts, now)
    if not reckonings:
        yield Finding("delivery", "none_expected", "good", _why_none(facts), (status_fact(facts),))
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
        known_at = row.taken_in_at if was_refused(row) else row.first_received_at
        is_late = facts.job.ended_at is not None and known_at is not None and known_at > facts.job.ended_at
        message += ", after we had asked and knew" if is_late else ""
        return Finding("delivery", "received", "good", message, (*told, *_received(row)))
    if facts.job.account_seen_at is not None:
        told.append(Fact("attempts", len(reckoning.attempts), ACCOUNT, facts.job.account_seen_at))
    if facts.window_end is not None:
        told.append(Fact("window_end", rfc3339(facts.window_end), WINDOW))
    if reckoning.code is None:
        return Finding("delivery", reckoning.outcome, "note", message, tuple(told))
    told.append(status_fact(facts))
    return Finding("delivery", reckoning.code.value, "failure", f"{message}; the end was found by asking", tuple(told))


def _attempt(row: AttemptRow) -> Fact:
    told = {"outcome": row.outcome, "response_status": row.response_status, "error": row.error, "preview": row.preview}
    said = {name: value for name, value in told.items() if value is not None}
    return Fact(f"attempt {row.number}", said, ACCOUNT, row.tried_at or None)


def _received(row: DeliveryRow) -> Iterator[Fact]:
    yield Fact("times_received", row.times_received, LEDGER, row.first_received_at)
    if row.reported_status is not None:
        yield Fact("reported_status", row.reported_status, LEDGER, row.first_received_at)
    if row.times_taken_in:
        yield Fact("taken_in_by_reverify", row.times_taken_in, LEDGER, row.taken_in_at)
    means = sentence(row.verdict, row.reported_status, was_refused(row))
    verdict = f"{row.verdict}: {means}" if row.verdict else means
    yield Fact("verdict", verdict, LEDGER, row.first_received_at)


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
    return Finding("delivery", "conflict", "trouble", message, (reported, status_fact(facts)))


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


def axis_of(rule: str) -> Axis:
    """Which of the kinds of trouble a finding about a whole source is."""
    return "asking" if rule in OF_ASKING else "delivery"


def of_source(rows: Sequence[FindingRow]) -> Iterator[Finding]:
    """What stands against the job's source as a whole: it may be why news is late."""
    for row in rows:
        stands = Fact("stands_since", rfc3339(row.began_at), STORE, row.began_at)
        told = (Fact(one["name"], one["value"], one["read_from"], _at(one["at"])) for one in json.loads(row.evidence))
        facts = (*told, stands)
        yield Finding(axis_of(row.rule), row.rule, "trouble", f"the whole source: {row.message}", facts)


def _at(text: str | None) -> int | None:
    return None if text is None else parse_rfc3339(text)
