"""Explain, our own asking: what is wrong with it, what is waited for, and how we came to know of the end."""

from collections.abc import Iterator

from reconciler.accounting import reckon
from reconciler.apply import WEBHOOK
from reconciler.counted import end_lag
from reconciler.facts import Facts
from reconciler.finding import ACTION, ANSWER, QUESTIONS, STORE, Fact, Finding, Tone
from reconciler.ready import missing_for_ready, missing_for_settled
from reconciler.said import status_fact
from schemas.tables import ActionRow, SourceRow
from schemas.times import MINUTE, SECOND, in_words, rfc3339
from schemas.words import ActionState, ActionVerb

LONG = 5 * MINUTE  # between an end and our knowing, to be pointed at


def asking(facts: Facts, source: SourceRow | None, now: int, is_owned: bool) -> Iterator[Finding]:
    job = facts.job
    if not is_owned:
        message = "no reconciler is at work for this source, so nobody asks: start `batchkeeper up` or `reconcile`"
        yield Finding("asking", "unowned", "trouble", message, (Fact("lease", "not held", STORE, now),))
    if source is not None and source.trouble:
        again = [Fact("asking_again_at", rfc3339(source.asking_again_at), STORE)] if source.asking_again_at else []
        since = Fact("trouble", source.trouble, QUESTIONS, source.trouble_since)
        yield Finding(
            "asking", source.trouble, "trouble", f"the whole source: {source.trouble_message}", (since, *again)
        )
    if job.trouble:
        yield _trouble(facts, now)
    if job.claimed_at is not None and not job.trouble:
        claim = Fact("reported_status", job.wanted_status or "an end", "a webhook, or the list", job.claimed_at)
        message = "an end is reported that the provider's own answers do not confirm yet"
        yield Finding("asking", "unconfirmed", "note", message, (claim, status_fact(facts)))
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
    yield from _end_heard(facts)
    yield Finding("asking", "asked", "good", _asked(facts, now), tuple(_asks(facts)))


def _end_heard(facts: Facts) -> Iterator[Finding]:
    """Who told of the end first, who confirmed it, and how long after it we knew."""
    job = facts.job
    if not facts.status.is_terminal or job.end_heard_by is None or job.end_heard_at is None or job.ended_at is None:
        return
    told = [Fact("first_heard_by", job.end_heard_by, STORE, job.end_heard_at)]
    told.append(Fact("known_by", job.ended_by or "poll", STORE, job.ended_at))
    message = f"its end was first told of by {_WHO.get(job.end_heard_by, job.end_heard_by)}"
    lag = end_lag(job, job.provider_ended_at, job.ended_at)
    if job.provider_ended_at is not None:
        told.append(Fact("ended_there_at", rfc3339(job.provider_ended_at), ANSWER, job.ended_at))
    if lag is not None:
        told.append(Fact("lag_seconds", round(lag / SECOND, 1), STORE, job.ended_at))
        message += f", and known {in_words(lag)} after it"
    elif job.provider_ended_at is not None:
        message += ", and it was before we knew of the job"
    else:
        message += "; the provider does not say when it was"
    yield Finding("asking", "end_heard", "note" if lag is not None and lag > LONG else "good", message, tuple(told))


_WHO = {
    WEBHOOK: "a webhook",
    "poll": "our own question",
    "list": "the list",
    "socket": "its socket",
    "cancel": "the answer to a cancel",
    "submit": "the answer to its creation",
}
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
    fact = Fact("questions_since", asks, QUESTIONS, job.trouble_since)
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
    yield Fact("answers", job.asks, QUESTIONS, job.answered_at)
    if job.due_at is not None:
        yield Fact("next_at", rfc3339(job.due_at), STORE)
