"""Rules about a source as a whole: facts in, findings out. Pure.

A finding stands until the evidence closes it: quiet is no evidence. So what makes a rule hold, and what ends it, are told apart
where they are not each other's opposite.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.causes import REASONS
from reconciler.circuit import Circuit
from reconciler.clocks import FARTHEST
from reconciler.finding import DATES, LEDGER, QUESTIONS, REFUSALS, STORE, TALLIES, Fact
from reconciler.hearing import PATIENCE, Hearing
from schemas.times import DAY, MINUTE, SECOND, in_words, rfc3339
from schemas.words import RefusalReason, SourceRule, Trouble

LOOKS_BACK = 5 * MINUTE  # over so much of the counters, in whole minutes
MANY = 3  # requests refused for one cause; fewer may be a scanner's
QUIET_FOR = MINUTE  # without a refusal, and with a request accepted since the last: then it is mended
FORGOTTEN_AFTER = DAY  # without a refusal
TROUBLE_PATIENCE = 5 * MINUTE  # a source that cannot be asked for less long mends itself often enough

# Whoever signs in the right form is hardly a scanner.
_SIGNED = frozenset({SourceRule.WRONG_SECRET, SourceRule.CLOCK_SKEW})


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of one source. Times in microseconds."""

    hears: bool  # its webhooks are to come here
    hearing: Hearing
    circuit: Circuit
    refused: Mapping[RefusalReason, int]  # requests, in the time that is looked back over
    accepted: int  # in the same time
    refused_at: Mapping[
        RefusalReason, Sequence[int]
    ]  # when the newest were refused, newest first; `MANY` of each are enough
    is_answered: bool = True  # a question has been answered as it should be, since we own the source
    clock_ahead: int | None = None  # how far our clock is ahead of the provider's
    clock_read_at: int | None = None
    signed_ago: int | None = (
        None  # how long before their arrival the newest refused for their time say that they were signed
    )
    standing: Collection[str] = ()  # the rules of the findings that are open


@dataclass(frozen=True, slots=True)
class SourceFinding:
    """What holds of a source now. `subject` tells several of one rule apart."""

    rule: SourceRule
    message: str
    facts: tuple[Fact, ...]
    subject: str = ""


def conclude(facts: SourceFacts, now: int) -> tuple[SourceFinding, ...]:
    """Every finding about a source that holds now."""
    if not facts.hears:
        return (*_own_clock(facts), *_asking(facts, now))
    refused = tuple(_refused(facts, now))
    return (*_silent(facts, refused, now), *refused, *_own_clock(facts), *_asking(facts, now))


def undecided(facts: SourceFacts) -> frozenset[SourceRule]:
    """The rules that nothing is known about yet: findings by them stay as they are. A take-over is no evidence."""
    is_known = facts.is_answered or facts.circuit.trouble is not None
    return frozenset() if is_known else frozenset({SourceRule.ASKING_FAILS})


def _silent(facts: SourceFacts, refused: Sequence[SourceFinding], now: int) -> Iterator[SourceFinding]:
    """Not begun where requests that were refused are the reason: then news does come, and what keeps it out has its own rule."""
    hearing = facts.hearing
    if not hearing.is_silent(now) or hearing.unheard_since is None:
        return
    reasons = [one.rule for one in refused if _newest(one.rule, facts) >= hearing.unheard_since - PATIENCE]
    if reasons and SourceRule.WEBHOOKS_SILENT not in facts.standing:
        return
    last = hearing.last_receipt_at
    heard = "none has ever come" if last is None else f"the last one came {in_words(now - last)} ago"
    message = (
        f"{hearing.unheard_ends} jobs have ended in {in_words(now - hearing.unheard_since)}, and no webhook told of any "
        f"of them; {heard}{f'; requests came and were refused: see {reasons[0]}' if reasons else ''}"
    )
    told = [Fact("unheard_ends", hearing.unheard_ends, QUESTIONS, hearing.unheard_since)]
    told.append(Fact("last_accepted", "never" if last is None else rfc3339(last), LEDGER, last))
    yield SourceFinding(SourceRule.WEBHOOKS_SILENT, message, tuple(told))


# Requests that are refused


def _refused(facts: SourceFacts, now: int) -> Iterator[SourceFinding]:
    for rule, reasons in REASONS.items():
        counted = {reason: facts.refused[reason] for reason in reasons if facts.refused.get(reason)}
        count = sum(counted.values())
        last, stands = _newest(rule, facts), rule in facts.standing
        if not last or not (stands or _are_many(rule, count, facts, now)) or _is_mended(last, facts, now):
            continue
        told = [Fact(f"refused.{reason}", number, TALLIES, now - LOOKS_BACK) for reason, number in counted.items()]
        told.append(Fact("accepted", facts.accepted, TALLIES, now - LOOKS_BACK))
        told.append(Fact("last_refused", rfc3339(last), REFUSALS, last))
        if facts.hearing.last_receipt_at is not None:
            told.append(Fact("last_accepted", rfc3339(facts.hearing.last_receipt_at), LEDGER))
        if rule is SourceRule.CLOCK_SKEW and facts.clock_ahead is not None:
            told.append(_clock(facts.clock_ahead, facts))
        if rule is SourceRule.CLOCK_SKEW and facts.signed_ago is not None:
            told.append(Fact("signed_seconds_before_arrival", facts.signed_ago // SECOND, REFUSALS, last))
        yield SourceFinding(rule, f"{_how_many(count, last, facts, now)}{_cause(rule, counted, facts)}", tuple(told))


def _newest(rule: SourceRule, facts: SourceFacts) -> int:
    """When the newest request was refused that speaks for a rule; 0: none."""
    return max((at for reason in REASONS[rule] for at in facts.refused_at.get(reason, ())), default=0)


def _are_many(rule: SourceRule, count: int, facts: SourceFacts, now: int) -> bool:
    """Three, and no fewer than were accepted; or three in a row; or a single one that looks genuine, where an end goes
    unannounced meanwhile. What was accepted before them all speaks for nothing: a secret is changed at one moment."""
    if count >= MANY and count >= facts.accepted:
        return True
    in_a_row, last = _in_a_row(rule, facts, now), facts.hearing.last_receipt_at
    if in_a_row >= MANY:
        return rule in _SIGNED or last is None or now - last >= MINUTE
    since = facts.hearing.unheard_since
    is_missed = since is not None and now - since >= MINUTE
    return rule in _SIGNED and in_a_row > 0 and is_missed


def _in_a_row(rule: SourceRule, facts: SourceFacts, now: int) -> int:
    """How many were refused since the last request was accepted; counted no further than is known of each reason."""
    since = max(now - LOOKS_BACK, facts.hearing.last_receipt_at or 0)
    return sum(at > since for reason in REASONS[rule] for at in facts.refused_at.get(reason, ()))


def _is_mended(last: int, facts: SourceFacts, now: int) -> bool:
    """A request was accepted after the last refusal, and none was refused since; or nothing of the kind came for a day."""
    if now - last >= FORGOTTEN_AFTER:
        return True
    heard = facts.hearing.last_receipt_at
    return heard is not None and heard > last and now - last >= QUIET_FOR


def _how_many(count: int, last: int, facts: SourceFacts, now: int) -> str:
    if not count:
        return f"requests were refused, the last one {in_words(now - last)} ago, and none was accepted since: "
    times = "1 request was" if count == 1 else f"{count} requests were"
    if facts.accepted > count and facts.hearing.last_receipt_at is not None:
        accepted_ago = in_words(now - facts.hearing.last_receipt_at)
        return f"{times} refused in the last {in_words(LOOKS_BACK)}, and the last one that was accepted came {accepted_ago} ago: "
    accepted = "none was" if not facts.accepted else "1 was" if facts.accepted == 1 else f"{facts.accepted} were"
    return f"{times} refused in the last {in_words(LOOKS_BACK)}, and {accepted} accepted: "


def _cause(rule: SourceRule, counted: Mapping[RefusalReason, int], facts: SourceFacts) -> str:
    match rule:
        case SourceRule.WRONG_SECRET:
            return "their signature does not match, so the secret here is hardly the one that the provider signs with"
        case SourceRule.CLOCK_SKEW:
            return _skew(facts)
        case SourceRule.OTHER_SCHEME:
            return "they are not signed as this source's dialect says, so another scheme is used, or something changes them"
    return f"they cannot be taken in ({', '.join(sorted(counted)) or 'see the refusals'})"


def _skew(facts: SourceFacts) -> str:
    """Which way the clocks are apart, and by how much, as far as it is known."""
    if facts.clock_ahead is not None and abs(facts.clock_ahead) > FARTHEST:
        return f"the clocks are apart, {_apart(facts.clock_ahead)}"
    stale, future = (max(facts.refused_at.get(reason, ()), default=0) for reason in REASONS[SourceRule.CLOCK_SKEW])
    told = "" if facts.clock_ahead is None else "; the provider's answers and our clock agree, so it is not our clock"
    ago = facts.signed_ago
    amount = "" if ago is None or (ago < 0) != (future > stale) else f" ({in_words(abs(ago))}, by what they say)"
    if future > stale:
        return f"they were signed at a time that is still to come{amount}, so our clock is behind, or the sender's ahead{told}"
    return (
        f"they were signed too long ago{amount}, so our clock is ahead, the sender's behind, or they are held up{told}"
    )


# Clocks, and our own asking


def _own_clock(facts: SourceFacts) -> Iterator[SourceFinding]:
    if facts.clock_ahead is None or abs(facts.clock_ahead) <= FARTHEST:
        return
    message = f"the provider's clock and ours are apart: {_apart(facts.clock_ahead)}"
    yield SourceFinding(SourceRule.OWN_CLOCK, message, (_clock(facts.clock_ahead, facts),))


def _apart(clock_ahead: int) -> str:
    return f"ours is {in_words(abs(clock_ahead))} {'ahead' if clock_ahead > 0 else 'behind'}"


def _clock(clock_ahead: int, facts: SourceFacts) -> Fact:
    return Fact("clock_ahead_seconds", clock_ahead // SECOND, DATES, facts.clock_read_at)


def _asking(facts: SourceFacts, now: int) -> Iterator[SourceFinding]:
    circuit = facts.circuit
    if circuit.trouble is None or circuit.since is None:
        return
    # A key does not mend itself.
    if circuit.trouble is not Trouble.KEY_REFUSED and now - circuit.since < TROUBLE_PATIENCE:
        return
    told = [Fact("trouble", circuit.trouble.value, QUESTIONS, circuit.since)]
    if circuit.asking_again_at is not None:
        told.append(Fact("asking_again_at", rfc3339(circuit.asking_again_at), STORE))
    message = f"nothing can be asked for {in_words(now - circuit.since)}: {circuit.message}"
    yield SourceFinding(SourceRule.ASKING_FAILS, message, tuple(told), circuit.trouble.value)
