"""The rules about a whole source: what opens a finding, what keeps it open, and what evidence closes it."""

from dataclasses import replace
from typing import Any

import pytest
from factories import NOW
from hypothesis import given
from hypothesis import strategies as st

from reconciler.causes import REASONS
from reconciler.circuit import Circuit
from reconciler.hearing import Hearing
from reconciler.source_rules import MANY, SourceFacts, SourceFinding, conclude, undecided
from schemas.times import DAY, HOUR, MINUTE, SECOND
from schemas.words import RefusalReason, SourceRule, Trouble

WRONG, STALE, FUTURE = RefusalReason.SIGNATURE_WRONG, RefusalReason.TIMESTAMP_STALE, RefusalReason.TIMESTAMP_FUTURE
UNSIGNED, LARGE = RefusalReason.SIGNATURE_MISSING, RefusalReason.TOO_LARGE
MISSED = Hearing(last_receipt_at=NOW - HOUR, unheard_ends=1, unheard_since=NOW - MINUTE)


def facts(**more: Any) -> SourceFacts:
    """A source on a good day."""
    plain: dict[str, Any] = {"hears": True, "hearing": Hearing(NOW - HOUR), "circuit": Circuit()}
    plain |= {"refused": {}, "accepted": 0, "refused_at": {}, "clock_ahead": 0, "clock_read_at": NOW}
    return SourceFacts(**{**plain, **more})


def refused(reason: RefusalReason, count: int, *, at: int = NOW - SECOND, **more: Any) -> SourceFacts:
    return facts(refused={reason: count}, refused_at={reason: [at] * min(count, MANY) or [at]}, **more)


def rules(about: SourceFacts, now: int = NOW) -> list[str]:
    return [one.rule.value for one in conclude(about, now)]


def one(about: SourceFacts) -> SourceFinding:
    (found,) = conclude(about, NOW)
    return found


def test_a_good_day() -> None:
    """Where news comes and questions are answered there is nothing to find."""
    assert conclude(facts(), NOW) == ()


@pytest.mark.parametrize(
    ("reason", "count", "accepted", "hearing", "expected"),
    [
        (WRONG, 3, 0, Hearing(), ["wrong_secret"]),
        (WRONG, 2, 0, Hearing(), []),  # a scanner's
        (WRONG, 3, 3, Hearing(), ["wrong_secret"]),
        (WRONG, 3, 4, Hearing(NOW), []),  # most are good, and the newest is
        (
            WRONG,
            3,
            30,
            Hearing(NOW - 2 * SECOND),
            ["wrong_secret"],
        ),  # changed at this moment: the good ones came before it
        (WRONG, 2, 30, Hearing(NOW - 2 * SECOND), []),
        (STALE, 3, 30, Hearing(NOW - 2 * SECOND), ["clock_skew"]),
        (UNSIGNED, 3, 30, Hearing(NOW - MINUTE + 1), []),  # a stranger's, beside good ones
        (UNSIGNED, 3, 30, Hearing(NOW - MINUTE), ["other_scheme"]),
        (WRONG, 1, 30, replace(MISSED, last_receipt_at=NOW - 2 * MINUTE), ["wrong_secret"]),
        (WRONG, 1, 0, MISSED, ["wrong_secret"]),  # one, and an end goes unannounced
        (WRONG, 1, 0, Hearing(unheard_ends=1, unheard_since=NOW - MINUTE + 1), []),  # it may be on its way
        (STALE, 3, 0, Hearing(), ["clock_skew"]),
        (FUTURE, 1, 0, MISSED, ["clock_skew"]),
        (UNSIGNED, 3, 0, Hearing(), ["other_scheme"]),
        (UNSIGNED, 1, 0, MISSED, []),  # anybody can send a request without a signature
        (RefusalReason.TIMESTAMP_MALFORMED, 9, 0, Hearing(), ["other_scheme"]),
        (LARGE, 3, 0, Hearing(), ["requests_refused"]),
        (RefusalReason.METHOD, 99, 0, Hearing(), []),
        (RefusalReason.FLOOD, 99, 0, Hearing(), []),
    ],
)
def test_many_are_refused(
    reason: RefusalReason, count: int, accepted: int, hearing: Hearing, expected: list[str]
) -> None:
    """Three of one cause, and no fewer than are accepted or none accepted since; or a single signed one where an end goes
    unannounced. Where anybody can send such requests, a source that is still heard is not told of."""
    assert rules(refused(reason, count, accepted=accepted, hearing=hearing)) == expected


@pytest.mark.parametrize(
    ("since", "heard_after", "stands"),
    [
        (2 * MINUTE, None, True),  # quiet is no evidence
        (HOUR, None, True),
        (HOUR, -SECOND, True),  # what was accepted came before it
        (2 * MINUTE, SECOND, False),
        (MINUTE, SECOND, False),
        (MINUTE - 1, SECOND, True),  # good and bad ones may come in turn
        (DAY, None, False),
    ],
)
def test_closed_by_evidence(since: int, heard_after: int | None, stands: bool) -> None:
    """A cause stands until a request is accepted and none was refused for a minute, or for a day nothing of it is seen."""
    last = NOW - since
    hearing = Hearing(None if heard_after is None else last + heard_after)
    for count in (0, 5):  # whether the counters still tell of it or not
        about = refused(WRONG, count, at=last, hearing=hearing, standing=["wrong_secret"])
        assert rules(about) == (["wrong_secret"] if stands else [])


@pytest.mark.parametrize(
    ("reason", "ahead", "words"),
    [
        (STALE, 360 * SECOND, "ours is 6 min ahead"),
        (FUTURE, -360 * SECOND, "ours is 6 min behind"),
        (
            STALE,
            0,
            "our clock is ahead, the sender's behind, or they are held up; the provider's answers and our clock agree",
        ),
        (FUTURE, None, "our clock is behind, or the sender's ahead"),
    ],
)
def test_which_way_the_clocks_are_apart(reason: RefusalReason, ahead: int | None, words: str) -> None:
    """The provider's answers tell which way and by how much; without them the reason tells which way."""
    found = conclude(refused(reason, 3, clock_ahead=ahead), NOW)

    assert found[0].rule is SourceRule.CLOCK_SKEW
    assert words in found[0].message
    assert ("own_clock" in [other.rule for other in found]) == bool(ahead)


@pytest.mark.parametrize(
    ("reason", "ago", "words"),
    [
        (STALE, 611 * SECOND, "they were signed too long ago (10 min, by what they say), so"),
        (FUTURE, -611 * SECOND, "still to come (10 min, by what they say), so"),
        (STALE, -611 * SECOND, "they were signed too long ago, so"),  # some forger's: it contradicts the reason
        (STALE, None, "they were signed too long ago, so"),
    ],
)
def test_by_how_much_the_clocks_are_apart(reason: RefusalReason, ago: int | None, words: str) -> None:
    """Where the provider's answers tell of no difference, what the requests say of their own time tells the amount."""
    found = one(refused(reason, 3, signed_ago=ago))

    assert words in found.message
    told = {fact.name: fact.value for fact in found.facts}
    assert told.get("signed_seconds_before_arrival") == (None if ago is None else ago // SECOND)


def test_silence() -> None:
    """Three jobs that ended unannounced, for more than five minutes, are a finding; one receipt closes it."""
    hearing = Hearing(NOW - HOUR, 3, NOW - 6 * MINUTE)

    assert one(facts(hearing=hearing)).message == (
        "3 jobs have ended in 6 min, and no webhook told of any of them; the last one came 60 min ago"
    )
    assert rules(facts(hearing=hearing.heard(NOW))) == []
    assert rules(facts(hearing=hearing, hears=False)) == []


def test_old_news_is_no_news() -> None:
    """A request that is judged late neither sets back when the last one came nor ends a silence."""
    hearing = Hearing(NOW - HOUR, 3, NOW - 6 * MINUTE)
    assert hearing.heard(NOW - 2 * HOUR) == hearing


@pytest.mark.parametrize(
    ("refused_ago", "standing", "expected"),
    [
        (5 * MINUTE, [], ["wrong_secret"]),
        (10 * MINUTE, [], ["wrong_secret"]),  # shortly before we saw the end that it told of
        (HOUR, [], ["webhooks_silent", "wrong_secret"]),  # nothing was sent since: another trouble
        (5 * MINUTE, ["webhooks_silent"], ["webhooks_silent", "wrong_secret"]),  # news has not come again
    ],
)
def test_silence_that_refusals_explain(refused_ago: int, standing: list[str], expected: list[str]) -> None:
    """Where requests came and were refused, no silence is told of; one that was told of stands, and names the reason."""
    hearing = Hearing(NOW - 2 * HOUR, 3, NOW - 6 * MINUTE)
    standing = [*standing, "wrong_secret"]
    about = refused(WRONG, 0, at=NOW - refused_ago, hearing=hearing, standing=standing)

    assert rules(about) == expected
    if "webhooks_silent" in standing:
        assert conclude(about, NOW)[0].message.endswith("; requests came and were refused: see wrong_secret")


def test_what_was_accepted_before_is_told_with_its_time() -> None:
    """Where more were accepted than refused, the message says how long ago the last one was, and not how many."""
    about = refused(WRONG, 20, accepted=30, hearing=Hearing(NOW - 40 * SECOND))
    assert one(about).message.startswith(
        "20 requests were refused in the last 5 min, and the last one that was accepted came 40 s ago: their signature"
    )


@pytest.mark.parametrize(("ahead", "found"), [(MINUTE, False), (MINUTE + 1, True), (-MINUTE - 1, True), (None, False)])
def test_own_clock(ahead: int | None, found: bool) -> None:
    """More than a minute between the provider's clock and ours is a finding."""
    assert rules(facts(clock_ahead=ahead)) == (["own_clock"] if found else [])


@pytest.mark.parametrize(
    ("trouble", "since", "expected"),
    [
        (Trouble.KEY_REFUSED, 0, ["asking_fails"]),  # it does not mend itself
        (Trouble.GATEWAY, 5 * MINUTE - 1, []),
        (Trouble.GATEWAY, 5 * MINUTE, ["asking_fails"]),
        (Trouble.RATE_LIMITED, HOUR, ["asking_fails"]),
    ],
)
def test_asking_fails(trouble: Trouble, since: int, expected: list[str]) -> None:
    """A source that cannot be asked is a finding: at once where our key is refused, else after five minutes."""
    circuit = Circuit(5, 1, trouble, "HTTP 502", NOW - since, NOW + SECOND)
    found = conclude(facts(circuit=circuit), NOW)

    assert [(each.rule.value, each.subject) for each in found] == [(rule, trouble.value) for rule in expected]


def test_a_take_over_is_no_evidence() -> None:
    """Who has asked nothing yet does not know whether asking fails still."""
    assert undecided(facts(is_answered=False)) == {SourceRule.ASKING_FAILS}
    assert undecided(facts()) == frozenset()
    assert undecided(facts(is_answered=False, circuit=Circuit(trouble=Trouble.GATEWAY))) == frozenset()


def test_no_reason_has_two_causes() -> None:
    """Each reason of a refusal speaks for one cause at most."""
    reasons = [reason for those in REASONS.values() for reason in those]

    assert len(reasons) == len(set(reasons))


times = st.integers(NOW - 2 * DAY, NOW + DAY)  # clocks are set back


@given(
    st.dictionaries(st.sampled_from(RefusalReason), st.integers(0, 9)),
    st.dictionaries(st.sampled_from(RefusalReason), st.lists(times, min_size=1, max_size=MANY)),
    st.builds(Hearing, st.none() | times, st.integers(0, 9), st.none() | times),
    st.none() | st.integers(-DAY, DAY),
    st.sets(st.sampled_from([rule.value for rule in SourceRule])),
)
def test_total(refused: Any, refused_at: Any, hearing: Hearing, ahead: int | None, standing: set[str]) -> None:
    """Whatever is known, each rule finds at most one thing, in words, with facts that have a value and a place."""
    about = facts(
        refused=refused, refused_at=refused_at, hearing=hearing, clock_ahead=ahead, standing=standing, accepted=2
    )
    found = conclude(about, NOW)

    assert len({each.rule for each in found}) == len(found)
    assert all(each.message and each.facts for each in found)
    assert all(fact.value is not None and fact.read_from for each in found for fact in each.facts)
