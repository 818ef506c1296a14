"""Explain: findings on each axis, by the rules of classification, each with the facts that it rests on."""

import json
from typing import Any

import pytest
from given import NOW, TERMS, a_delivery, a_job, a_source, an_action, an_attempt, the_facts

from reconciler.classify import classify
from reconciler.explain import explain
from reconciler.facts import Facts
from reconciler.finding import ACCOUNT, ACTION, ANSWER, LEDGER, Finding
from schemas.readings import Suppressed
from schemas.tables import FindingRow
from schemas.times import HOUR, MINUTE
from schemas.words import ActionState, ActionVerb, AttemptOutcome, Basis, Status, Trouble, Verdict

AXES = ["execution", "cancellation", "delivery", "asking"]


def findings(facts: Facts, axis: str, **more: Any) -> list[Finding]:
    return [finding for finding in explain(facts, more.pop("source", None), NOW, **more) if finding.axis == axis]


def one(facts: Facts, axis: str, **more: Any) -> Finding:
    (finding,) = findings(facts, axis, **more)
    return finding


def told(finding: Finding) -> dict[str, Any]:
    return {fact.name: fact.value for fact in finding.facts}


MANY = [
    the_facts(a_job()),
    the_facts(a_job(Status.UNKNOWN, answered_at=None, asks=0)),
    the_facts(a_job(Status.COMPLETED)),
    the_facts(a_job(Status.COMPLETED, rows_total=12, rows_failed=4), deliveries=[a_delivery()]),
    the_facts(a_job(Status.FAILED, error_code="x", error_message="y"), attempts=[an_attempt()]),
    the_facts(a_job(Status.FAILED, basis=Basis.INFERRED.value, ready_at=None, settled_at=None)),
    the_facts(a_job(Status.CANCELLED), actions=[an_action(sent_at=NOW - HOUR, state=ActionState.ACCEPTED.value)]),
    the_facts(a_job(Status.EXPIRED), actions=[an_action()]),
    the_facts(a_job(Status.COMPLETED), expectations=[Suppressed("batch.completed", "it is never sent for such a job")]),
]


@pytest.mark.parametrize("facts", MANY)
def test_every_axis_has_a_finding(facts):
    """
    Whatever is known of a job, each axis has at least one finding, in order, and each finding has words.
    """
    found = explain(facts, None, NOW)

    assert sorted({finding.axis for finding in found}, key=AXES.index) == AXES
    assert [AXES.index(finding.axis) for finding in found] == sorted(AXES.index(finding.axis) for finding in found)
    assert all(finding.message and finding.rule for finding in found)


@pytest.mark.parametrize("facts", MANY)
def test_an_explanation_cannot_differ_from_the_failures(facts):
    """
    The findings in the tone of a failure are just the failures that classification names.
    """
    explained = [(finding.axis, finding.rule) for finding in explain(facts, None, NOW) if finding.tone == "failure"]

    assert explained == [(failure.category, failure.code) for failure in classify(facts, NOW)]


@pytest.mark.parametrize("facts", MANY)
def test_every_fact_names_its_place(facts):
    """
    A fact has a value and the place that it was read from.
    """
    facts_told = [fact for finding in explain(facts, None, NOW) for fact in finding.facts]

    assert facts_told
    assert all(fact.read_from and fact.value not in (None, [], {}) for fact in facts_told)


def test_a_failed_job_rests_on_the_providers_answer():
    """
    The provider's status and error are its answer, with the time of that; what we made of it is our own.
    """
    finding = one(the_facts(a_job(Status.FAILED, error_code="model_gone")), "execution")
    places = {fact.name: (fact.read_from, fact.at) for fact in finding.facts}

    assert places["error_code"] == (ANSWER, NOW - MINUTE)
    assert places["basis"][0] != ANSWER


def test_an_open_job_says_what_a_webhook_reported():
    """
    A report that no answer has confirmed is told as a webhook's, beside the last answer.
    """
    job = a_job(reported_status="completed", reported_at=NOW)
    finding = one(the_facts(job), "execution")

    assert finding.message == "running, as the provider said 60 s ago"
    assert ("reported_status", "a webhook") in [(fact.name, fact.read_from) for fact in finding.facts]


def test_a_denied_job_is_not_shown_as_said_just_now():
    """
    While the provider denies a job, what it said of it before has no time of its own: the last answer was a denial.
    """
    denied = a_job(denied_since=NOW - 2 * MINUTE, denials=3, answered_at=NOW)
    finding = one(the_facts(denied), "execution")

    assert finding.message == "running, as the provider said last; it has denied the job for 2 min, since then"
    assert [fact.at for fact in finding.facts if fact.name == "status"] == [None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "a cancel was asked for 5 min ago, and has not been sent yet"),
        ({"sent_at": NOW - 2 * MINUTE}, "a cancel was sent 2 min ago, and no answer to it has come yet"),
        (
            {"state": ActionState.ACCEPTED.value, "sent_at": NOW - 2 * MINUTE, "answered_at": NOW - 2 * MINUTE},
            "the provider accepted the cancel 2 min ago, and the job is still running",
        ),
    ],
)
def test_a_cancel_under_way_says_where_it_stands(columns, message):
    """
    A cancel that is neither done nor a failure is a note: not sent, not answered, or accepted and not yet true.
    """
    finding = one(the_facts(a_job(), actions=[an_action(**columns)]), "cancellation")

    assert (finding.tone, finding.message) == ("note", message)
    assert told(finding)["reason"] == "wrong file"


def test_of_several_cancels_the_one_that_was_accepted_is_told():
    """
    A second one that the provider refuses, because it is at the first, changes nothing about that: it is under way.
    """
    accepted = an_action(state=ActionState.ACCEPTED.value, sent_at=NOW - 3 * MINUTE, answered_at=NOW - 2 * MINUTE)
    refused = an_action(
        id=5, reason="again", state=ActionState.REFUSED.value, sent_at=NOW - MINUTE, answered_at=NOW, http_status=409
    )
    finding = one(the_facts(a_job(), actions=[accepted, refused]), "cancellation")

    assert finding.message == "the provider accepted the cancel 2 min ago, and the job is still running"
    assert told(finding)["reason"] == "wrong file"


@pytest.mark.parametrize("state", [ActionState.NO_EFFECT, ActionState.MOOT])
def test_a_cancel_that_was_answered_does_not_wait_for_an_answer(state):
    """
    Whatever the answer was.
    """
    answered = an_action(state=state.value, sent_at=NOW - 3 * MINUTE, answered_at=NOW - MINUTE, message="so it is")

    assert one(the_facts(a_job(), actions=[answered]), "cancellation").message == (
        f"a cancel was asked for, and is {state.replace('_', ' ')}: so it is"
    )


def test_a_cancel_that_failed_rests_on_the_action():
    """
    A refused cancel is a failure whose facts are those of the action.
    """
    action = an_action(state=ActionState.REFUSED.value, sent_at=NOW - HOUR, answered_at=NOW - HOUR, http_status=409)
    finding = one(the_facts(a_job(), actions=[action]), "cancellation")

    assert (finding.tone, finding.rule) == ("failure", "refused")
    assert {fact.read_from for fact in finding.facts} == {ACTION}


def test_a_received_delivery_shows_both_ledgers():
    """
    What came is told from our ledger, beside the provider's own account of the attempt.
    """
    attempt = an_attempt(outcome=AttemptOutcome.DELIVERED.value, response_status=202)
    finding = one(the_facts(a_job(Status.COMPLETED), deliveries=[a_delivery()], attempts=[attempt]), "delivery")

    assert (finding.tone, finding.message) == ("good", "batch.completed: received")
    assert {fact.read_from for fact in finding.facts} == {ACCOUNT, LEDGER}
    assert told(finding)["attempt 1"] == {"outcome": "delivered", "response_status": 202}


def test_a_late_delivery_is_no_failure():
    """
    Before the window is over a delivery that has not come is a note, with the end of the window.
    """
    job = a_job(Status.COMPLETED, ended_at=NOW - MINUTE, provider_ended_at=NOW - MINUTE)
    finding = one(the_facts(job), "delivery")

    assert (finding.rule, finding.tone) == ("late", "note")
    (end,) = [fact for fact in finding.facts if fact.name == "window_end"]
    assert end.read_from == "the source's delivery window, from when we knew of the end"


def test_a_delivery_that_did_not_come_says_how_the_end_was_found():
    """
    A delivery failure rests on the account, the window and the answer that told the end.
    """
    finding = one(the_facts(a_job(Status.COMPLETED, account_seen_at=NOW - MINUTE)), "delivery")

    assert (finding.rule, finding.tone) == ("never_attempted", "failure")
    assert finding.message.endswith("the end was found by asking")
    assert set(told(finding)) == {"attempts", "window_end", "status"}


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (a_job(), "it has not ended"),
        (a_job(Status.COMPLETED, has_webhook=0), "it has no webhook of ours"),
        (a_job(Status.COMPLETED, has_webhook=None), "nobody has said whether"),
        (a_job(Status.COMPLETED, ended_at=TERMS.listening_since - 1), "it ended before we began to listen"),
        (a_job(Status.COMPLETED), "none of the events that we listen for"),
    ],
)
def test_why_no_delivery_is_expected(job, message):
    """
    Where nothing is expected, the reason is the true one.
    """
    finding = one(the_facts(job, expectations=()), "delivery")

    assert (finding.rule, finding.tone) == ("none_expected", "good")
    assert finding.message.startswith(message)


def test_a_conflict_stands_out():
    """
    A webhook that claims another end than the provider's answer is trouble, beside being received.
    """
    job = a_job(Status.COMPLETED)
    claim = a_delivery("batch.failed", reported_status="failed", verdict=Verdict.CONFLICT.value)
    found = findings(the_facts(job, deliveries=[a_delivery(), claim]), "delivery")

    assert [(finding.rule, finding.tone) for finding in found] == [
        ("received", "good"),
        ("received", "note"),
        ("conflict", "trouble"),
    ]
    assert told(found[-1]) == {"reported_status": "failed", "status": "completed"}


def test_trouble_with_asking_is_told_apart():
    """
    Our own trouble, the source's and a missing reconciler are findings on the fourth axis, never failures.
    """
    job = a_job(
        trouble=Trouble.TIMED_OUT.value, trouble_message="no whole answer within 30 s", trouble_since=NOW - HOUR
    )
    source = a_source(trouble=Trouble.KEY_REFUSED.value, trouble_message="HTTP 401", trouble_since=NOW - HOUR)
    found = findings(the_facts(job), "asking", source=source, is_owned=False)

    assert [finding.rule for finding in found if finding.tone == "trouble"] == ["unowned", "key_refused", "timed_out"]
    assert not [finding for finding in found if finding.tone == "failure"]


def test_an_unconfirmed_end_is_a_note():
    """
    A reported end that answers do not confirm yet is told, until it becomes trouble.
    """
    job = a_job(claimed_at=NOW - MINUTE, wanted_status="completed", due_at=NOW)

    assert "unconfirmed" in [finding.rule for finding in findings(the_facts(job), "asking")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "answered 2 times, last 60 s ago; next asked in 60 s"),
        ({"asks": 1, "due_at": NOW}, "answered once, last 60 s ago; next asked now"),
        ({"due_at": None}, "answered 2 times, last 60 s ago; never asked again, unless something new is heard"),
        ({"answered_at": None}, "no answer about it has come yet; next asked in 60 s"),
    ],
)
def test_when_it_is_asked_next(columns, message):
    """
    The last finding says how often and when it was answered, and when it is asked next.
    """
    assert findings(the_facts(a_job(**columns)), "asking")[-1].message == message


def test_a_poll_that_was_asked_for_is_told():
    """
    A poll that waits for its turn is a note.
    """
    found = findings(the_facts(a_job(), actions=[an_action(ActionVerb.POLL)]), "asking")

    assert "poll_asked" in [finding.rule for finding in found]


@pytest.mark.parametrize(
    ("columns", "tone", "words"),
    [
        ({"end_heard_by": "webhook"}, "good", "a webhook, and known 60 s after it"),
        ({"end_heard_by": "list", "provider_ended_at": NOW - 3 * HOUR}, "note", "the list, and known 60 min after it"),
        (
            {"end_heard_by": "poll", "provider_ended_at": None},
            "good",
            "our own question; the provider does not say when",
        ),
        ({"created_at": NOW}, "good", "a webhook, and it was before we knew of the job"),
    ],
)
def test_who_told_of_the_end_first(columns, tone, words):
    """
    The end of a job has a finding of its own: who told of it first, and how long after it we knew.
    """
    ended = NOW - 2 * HOUR
    plain = {"ended_at": ended, "ended_by": "poll", "end_heard_by": "webhook", "end_heard_at": ended - MINUTE}
    plain |= {"provider_ended_at": ended - MINUTE, "created_at": NOW - 9 * HOUR}
    job = a_job(Status.COMPLETED, **{**plain, **columns})
    (found,) = [one for one in findings(the_facts(job), "asking") if one.rule == "end_heard"]

    assert (found.tone, words in found.message) == (tone, True)
    assert told(found)["first_heard_by"] == job.end_heard_by


def test_what_stands_against_the_source_is_told():
    """
    A finding about the source may be why news is late: it is shown with its facts on the axis that it is about. What its
    trouble says already is not said twice.
    """
    facts = [{"name": "refused.signature_wrong", "value": 3, "read_from": "our counters", "at": None}]
    rows = [
        FindingRow(id=1, source="gateway", rule=rule, message="it is so", evidence=json.dumps(facts), began_at=NOW)
        for rule in ("wrong_secret", "own_clock", "asking_fails")
    ]
    found = explain(the_facts(a_job()), a_source(trouble="key_refused", trouble_message="401"), NOW, True, rows)
    beside = [(one.axis, one.rule, one.tone) for one in found if one.rule in {row.rule for row in rows}]

    assert beside == [("delivery", "wrong_secret", "trouble"), ("asking", "own_clock", "trouble")]
    assert [one.facts[0].value for one in found if one.rule == "wrong_secret"] == [3]


def test_what_was_taken_in_later_is_judged_later():
    """
    A delivery that was refused when it came agrees with what we knew when it was taken in, and is told as that.
    """
    delivery = a_delivery(
        verdict="agrees", reported_status="completed", times_received=2, times_taken_in=2, taken_in_at=NOW
    )
    finding = one(the_facts(a_job(Status.COMPLETED), deliveries=[delivery]), "delivery")

    assert "refused with 401 when it came, and taken in by reverify at" in finding.message
    assert told(finding)["verdict"] == "agrees: agreed with what we knew when it was taken in, later than it came"
    assert told(finding)["taken_in_by_reverify"] == 2


@pytest.mark.parametrize(
    ("verdict", "reported", "words"),
    [
        (Verdict.DISAGREES, "completed", "told of an end before we knew it, so we asked"),
        (Verdict.DISAGREES, None, "told that something happened"),
        (Verdict.AGREES, "completed", "agreed with what we knew"),
        (None, None, "not judged yet"),
    ],
)
def test_a_verdict_in_a_sentence(verdict, reported, words):
    """
    What a verdict means is told beside the word, so that good news does not alarm.
    """
    delivery = a_delivery(verdict=verdict and verdict.value, reported_status=reported)
    finding = one(the_facts(a_job(Status.COMPLETED), deliveries=[delivery]), "delivery")

    assert words in told(finding)["verdict"]
