"""Classify: every code of the three categories, each by its rule, and none of them because of another."""

import json
from itertools import product
from typing import Any

import pytest
from factories import (
    ENDS,
    NOW,
    OPEN_STATUSES,
    RECEIPT,
    TERMS,
    all_facts,
    attempt,
    cancel,
    delivery,
    expected,
    facts,
    inferred,
    job,
    moments,
    output,
    thoroughly,
)
from hypothesis import given

from reconciler.classify import CLOCKS_APART, Failure, classify
from reconciler.facts import Facts
from schemas.readings import Suppressed
from schemas.tables import ActionRow, AttemptRow, JobRow, OutputRow, RowMatchRow
from schemas.times import DAY, HOUR, MINUTE
from schemas.words import (
    ActionState,
    ActionVerb,
    AskedBy,
    AttemptOutcome,
    Category,
    Code,
    OutputRole,
    OutputState,
    Status,
)

LONG_AGO = NOW - 2 * HOUR


def ended(status: Status = Status.COMPLETED, **columns: Any) -> JobRow:
    """A job that ended two hours ago: every patience and window is over, and the account was read since."""
    rows = {"rows_total": 10, "rows_completed": 10, "rows_failed": 0, "output_file_id": "file-out"}
    read = {"has_webhook": 1, "account_seen_at": NOW - MINUTE, "answered_at": NOW - MINUTE}
    return job(status, **{"ended_at": LONG_AGO, **rows, **read, **columns})


def codes(about: Facts, now: int = NOW) -> list[Code]:
    return [failure.code for failure in classify(about, now)]


def only(about: Facts, now: int = NOW) -> Failure:
    (failure,) = classify(about, now)
    return failure


def test_good_day() -> None:
    """A completed job whose delivery came, with its output in place, shows nothing; nor does any open job."""
    about = facts(ended(), expectations=(expected(),), deliveries=(delivery(),), outputs=(output(),))
    assert classify(about, NOW) == ()
    for status in OPEN_STATUSES:
        assert classify(facts(job(status)), NOW + 99 * DAY) == ()


# --- execution --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(Status.FAILED, Code.FAILED), (Status.EXPIRED, Code.EXPIRED)])
def test_failed_and_expired(status: Status, code: Code) -> None:
    """A failed or expired job is an execution failure that gives the provider's reason, or says that there is none."""
    failure = only(facts(ended(status, error_code="token_limit", error_message="too many tokens")))
    assert (failure.category, failure.code, failure.subject) == (Category.EXECUTION, code, "")
    assert failure.message == f"{status}: token_limit: too many tokens"
    assert only(facts(ended(status))).message == f"{status}, without a reason from the provider"


def test_inferred() -> None:
    """An end that was only inferred says so, and how often the job was denied."""
    assert only(facts(inferred())).message == "taken as failed: the provider has denied knowing it 5 times"


@pytest.mark.parametrize(
    ("status", "failed", "found"),
    [
        (Status.COMPLETED, 3, [Code.ROWS_FAILED]),
        (Status.COMPLETED, 0, []),
        (Status.COMPLETED, None, []),
        (Status.CANCELLED, 3, [Code.CANCELLED_ELSEWHERE]),
        (Status.FAILED, 3, [Code.FAILED]),
        (Status.RUNNING, 3, []),
    ],
)
def test_rows_failed(status: Status, failed: int | None, found: list[Code]) -> None:
    """Failed rows are a failure of their own only in a job that completed."""
    row = ended(status, rows_failed=failed) if status.is_terminal else job(status, rows_failed=failed)
    assert codes(facts(row, outputs=(output(),))) == found


UNREADABLE = output(state=OutputState.UNREADABLE)


@pytest.mark.parametrize(
    ("columns", "outputs", "missing"),
    [
        ({"output_file_id": None}, (), True),
        ({}, (UNREADABLE,), True),
        ({}, (output(),), False),
        ({}, (output(state=OutputState.NAMED, checks=9),), False),  # still being looked for
        ({}, (), False),
        ({}, (output("file-old", OutputState.UNREADABLE), output()), False),  # a file that it no longer names
        ({"output_file_id": None, "rows_completed": 0}, (), False),
        ({"output_file_id": None, "rows_completed": None}, (), False),
        ({"output_file_id": None, "writes_files": 0}, (), False),
        ({"writes_files": 0}, (UNREADABLE,), False),
        ({"output_file_id": None, "ended_at": NOW - TERMS.output_patience}, (), True),
        ({"output_file_id": None, "ended_at": NOW - TERMS.output_patience + 1}, (), False),
        ({"ended_at": NOW - TERMS.output_patience + 1}, (UNREADABLE,), False),
        ({"output_file_id": None, "status": "cancelled"}, (), False),
    ],
)
def test_output_missing(columns: dict[str, Any], outputs: tuple[OutputRow, ...], missing: bool) -> None:
    """An output is missing when rows succeeded, the provider writes files, and none could be read in all that time."""
    assert (Code.OUTPUT_MISSING in codes(facts(ended(**columns), outputs=outputs))) is missing


def test_output_found_after_all() -> None:
    """An output that turns up takes the failure away."""
    about = facts(ended(output_file_id=None))
    assert codes(about) == [Code.OUTPUT_MISSING]
    assert codes(facts(ended(), outputs=(output(),))) == []


def match_of(revision: int = 1, **counts: Any) -> RowMatchRow:
    plain: dict[str, Any] = {"asked": 10, "succeeded": 10, "failed": 0, "missing": 0}
    return RowMatchRow(job=1, revision=revision, matched_at=NOW, **{**plain, **counts})


@pytest.mark.parametrize(
    ("counted", "match", "message"),
    [
        (None, match_of(), None),
        (3, match_of(), "3 of 10 rows failed"),  # the provider says so, and it may have kept them to itself
        (None, match_of(succeeded=7, failed=3), "of 10 rows 3 failed"),
        (None, match_of(succeeded=7, missing=3), "of 10 rows 3 missing"),
        (0, match_of(succeeded=5, failed=2, missing=3), "of 10 rows 2 failed and 3 missing"),
        (0, match_of(asked=None, missing=None, succeeded=5, failed=2), "of 7 rows 2 failed"),
        (3, match_of(revision=2), "3 of 10 rows failed"),  # of another end
    ],
)
def test_rows_matched(counted: int | None, match: RowMatchRow, message: str | None) -> None:
    """Once the rows were matched, they themselves tell what failed and what is missing."""
    row = ended(rows_failed=counted, rows_total=10)
    found = list(classify(facts(row, outputs=(output(),), match=match), NOW))
    assert [failure.message for failure in found] == ([message] if message else [])
    if message and match.revision == 1:
        assert found[0].evidence["rows"]["missing"] == match.missing
        assert found[0].evidence["rows_counted"]["failed"] == counted


def test_missing_output_tells_of_its_rows() -> None:
    """The rows of an output that stayed out of reach are not told once more as missing; failed ones are."""
    about = {"outputs": (UNREADABLE,), "match": match_of(succeeded=0, failed=1, missing=9)}
    found = classify(facts(ended(), **about), NOW)
    assert [failure.code for failure in found] == [Code.ROWS_FAILED, Code.OUTPUT_MISSING]
    assert found[0].message == "of 10 rows 1 failed"


@pytest.mark.parametrize("state", [OutputState.PARKED, OutputState.EXISTS, OutputState.FETCHED])
def test_no_room_is_no_failure(state: OutputState) -> None:
    """A file that is there is not missing, however long it takes us to have it."""
    assert codes(facts(ended(), outputs=(output(state=state),))) == []


@pytest.mark.parametrize("role", [OutputRole.RESULTS, OutputRole.CONTENT])
def test_other_output_missing(role: OutputRole) -> None:
    """What is no file can be out of reach, too."""
    row = ended(output_file_id=None, writes_files=0)
    (failure,) = classify(facts(row, outputs=(output("j", OutputState.UNREADABLE, role),)), NOW)
    assert (failure.code, failure.message) == (Code.OUTPUT_MISSING, "what it made stayed out of reach for 15 min")


# --- cancellation -----------------------------------------------------------------------------------------------------

MINE, ELSEWHERE = Code.CANCELLED_BY_OPERATOR, Code.CANCELLED_ELSEWHERE
OPEN, OTHERWISE, CANCELLED_SENT, CANCELLED_UNSENT = range(4)
CANCELLATION = {
    ActionState.ASKED: (None, Code.TOO_LATE, MINE, ELSEWHERE),
    ActionState.ACCEPTED: (None, Code.TOO_LATE, MINE, ELSEWHERE),
    ActionState.REFUSED: (Code.REFUSED, Code.TOO_LATE, ELSEWHERE, ELSEWHERE),
    ActionState.NOT_CANCELLABLE: (Code.NOT_CANCELLABLE, Code.NOT_CANCELLABLE, ELSEWHERE, ELSEWHERE),
    ActionState.MOOT: (None, Code.TOO_LATE, MINE, ELSEWHERE),
    ActionState.DONE: (None, Code.TOO_LATE, MINE, ELSEWHERE),
}


def found_cancellations(about: Facts, now: int = NOW) -> list[Code]:
    return [failure.code for failure in classify(about, now) if failure.category is Category.CANCELLATION]


@pytest.mark.parametrize(("state", "status", "sent"), tuple(product(CANCELLATION, Status, (True, False))))
def test_cancellation(state: ActionState, status: Status, sent: bool) -> None:
    """What a cancel comes to, by what it was answered, how the job stands, and whether it was ever sent."""
    if status is Status.CANCELLED:
        code = CANCELLATION[state][CANCELLED_SENT if sent else CANCELLED_UNSENT]
    else:
        code = CANCELLATION[state][OTHERWISE if status.is_terminal else OPEN]
    action = cancel(state, **({} if sent else {"sent_at": None, "sends": 0}))
    about = facts(ended(status) if status.is_terminal else job(status), actions=(action,), outputs=(output(),))
    assert found_cancellations(about) == ([] if code is None else [code])


@pytest.mark.parametrize("verb", [verb for verb in ActionVerb if verb is not ActionVerb.CANCEL])
@pytest.mark.parametrize("status", Status)
def test_other_actions(verb: ActionVerb, status: Status) -> None:
    """Nothing but a cancel is one; a job that ends cancelled without one was cancelled elsewhere."""
    action = cancel(verb=verb.value, answered_at=LONG_AGO)
    row = ended(status) if status.is_terminal else job(status)
    assert found_cancellations(facts(row, actions=(action,))) == ([ELSEWHERE] if status is Status.CANCELLED else [])


def by(who: AskedBy, sent_ago: int | None, **columns: Any) -> ActionRow:
    return cancel(asked_by=who.value, sent_at=None if sent_ago is None else NOW - sent_ago, **columns)


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ([by(AskedBy.OPERATOR, MINUTE)], Code.CANCELLED_BY_OPERATOR),
        ([by(AskedBy.AUTOMATION, MINUTE)], Code.CANCELLED_BY_AUTOMATION),
        ([by(AskedBy.OPERATOR, MINUTE), by(AskedBy.AUTOMATION, HOUR)], Code.CANCELLED_BY_AUTOMATION),
        ([by(AskedBy.AUTOMATION, None), by(AskedBy.OPERATOR, MINUTE)], Code.CANCELLED_BY_OPERATOR),
        ([by(AskedBy.AUTOMATION, HOUR, state="refused"), by(AskedBy.OPERATOR, MINUTE)], Code.CANCELLED_BY_OPERATOR),
        ([by(AskedBy.OPERATOR, HOUR), by(AskedBy.AUTOMATION, MINUTE, state="refused")], Code.CANCELLED_BY_OPERATOR),
        ([], Code.CANCELLED_ELSEWHERE),
    ],
)
def test_first_sent(actions: list[ActionRow], code: Code) -> None:
    """Of several cancels, the job was cancelled by the one that was sent first and not refused."""
    assert codes(facts(ended(Status.CANCELLED), actions=actions)) == [code]


@pytest.mark.parametrize(("sends", "code"), [(1, ELSEWHERE), (2, MINE)])
def test_refused_when_sent_again(sends: int, code: Code) -> None:
    """A cancel that was sent again, after a crash or a time-out, may be refused because its first sending had worked."""
    assert codes(facts(ended(Status.CANCELLED), actions=(cancel("refused", sends=sends),))) == [code]


@pytest.mark.parametrize(
    ("before", "code"),
    [(-HOUR, MINE), (0, MINE), (CLOCKS_APART, MINE), (CLOCKS_APART + 1, ELSEWHERE), (DAY, ELSEWHERE)],
)
def test_cancelled_before_we_sent(before: int, code: Code) -> None:
    """A job that the provider says was cancelled before ours was sent, by more than clocks differ, was cancelled elsewhere."""
    row = ended(Status.CANCELLED, provider_ended_at=NOW - HOUR - before)
    assert codes(facts(row, actions=(cancel(sent_at=NOW - HOUR),))) == [code]


@pytest.mark.parametrize("status", OPEN_STATUSES)
@pytest.mark.parametrize(
    ("ago", "found"), [(30 * MINUTE - 1, []), (30 * MINUTE, [Code.STUCK]), (9 * DAY, [Code.STUCK])]
)
def test_stuck(status: Status, ago: int, found: list[Code]) -> None:
    """An accepted cancel of a job that is still open after half an hour is stuck."""
    assert codes(facts(job(status), actions=(cancel(answered_at=NOW - ago),))) == found


@pytest.mark.parametrize(
    ("end", "found"),
    [
        (Status.CANCELLED, [Code.CANCELLED_BY_OPERATOR]),
        (Status.COMPLETED, [Code.TOO_LATE]),
        (Status.FAILED, [Code.FAILED, Code.TOO_LATE]),
        (Status.EXPIRED, [Code.EXPIRED, Code.TOO_LATE]),
    ],
)
def test_stuck_is_cleared(end: Status, found: list[Code]) -> None:
    """Stuck holds until the job ends, and then what the end makes of it, beside what the end is."""
    action = cancel(answered_at=LONG_AGO)
    assert codes(facts(job(), actions=(action,))) == [Code.STUCK]
    assert codes(facts(ended(end), actions=(action,), outputs=(output(),))) == found


def test_asked_twice() -> None:
    """Who cancels again what is being cancelled is refused, which is no failure: the first acceptance counts, and its time."""
    first, again = cancel(answered_at=NOW - HOUR), cancel("refused", id=2, answered_at=NOW)
    assert only(facts(job(), actions=(first, again))).code is Code.STUCK
    assert codes(facts(job(), actions=(cancel(answered_at=NOW - MINUTE), again))) == []
    accepted_again = cancel(id=2, answered_at=NOW)
    assert codes(facts(job(), actions=(first, accepted_again))) == [Code.STUCK]


def test_asked_again_after_refusal() -> None:
    """A cancel that was refused and is asked for anew is open again, until it is answered."""
    refused = cancel("refused")
    assert codes(facts(job(), actions=(refused, cancel("asked", id=2)))) == []
    assert codes(facts(job(), actions=(refused, cancel(id=2)))) == []
    assert codes(facts(job(), actions=(cancel("not_cancellable"), refused))) == [Code.REFUSED]


@pytest.mark.parametrize("present", [None, 0, 1])
def test_cancel_url_is_evidence_only(present: int | None) -> None:
    """Whether there was a cancel URL at the moment of asking is shown, and decides nothing."""
    failure = only(facts(job(), actions=(cancel("refused", cancel_url_present=present, http_status=409),)))
    assert failure.code is Code.REFUSED
    assert failure.evidence["cancel_url_present"] == (None if present is None else bool(present))
    assert (failure.evidence["http_status"], failure.evidence["reason"]) == (409, "too dear")


# --- delivery ---------------------------------------------------------------------------------------------------------

GIVEN_UP = AttemptOutcome.GIVEN_UP


@pytest.mark.parametrize(
    ("attempts", "account_seen_at", "code"),
    [
        ((attempt(GIVEN_UP, response_status=503),), NOW, Code.REJECTED),
        ((attempt(GIVEN_UP, timed_out=1),), NOW, Code.TIMED_OUT),
        ((attempt(GIVEN_UP),), NOW, Code.UNREACHABLE),
        ((), NOW, Code.NEVER_ATTEMPTED),
        ((attempt("delivered", preview="hello"),), NOW, Code.PHANTOM),
        ((attempt("delivered", preview=RECEIPT),), NOW, Code.LOST_HERE),
        ((), None, Code.MISSING),
    ],
)
@pytest.mark.parametrize("end", ENDS)
def test_delivery(end: Status, attempts: tuple[AttemptRow, ...], account_seen_at: int | None, code: Code) -> None:
    """An expected delivery that did not come is a delivery failure about that key, with the provider's account as evidence."""
    row = ended(end, account_seen_at=account_seen_at)
    about = facts(row, expectations=(expected(),), attempts=attempts, outputs=(output(),))
    (failure,) = [failure for failure in classify(about, NOW) if failure.category is Category.DELIVERY]
    assert (failure.code, failure.subject) == (code, "batch.completed")
    assert failure.message.startswith("batch.completed: ")
    assert len(failure.evidence["attempts"]) == len(attempts)
    known, there = failure.evidence["end_known_at"], failure.evidence["ended_there_at"]
    assert (known, there) == ("2026-08-12T00:00:00Z", None)


def test_each_delivery_is_its_own_failure() -> None:
    """Two deliveries that did not come are two failures, told apart by their keys."""
    about = facts(ended(), expectations=(expected("batch.created"), expected()), outputs=(output(),))
    assert [failure.subject for failure in classify(about, NOW)] == ["batch.created", "batch.completed"]


def test_notes_are_no_failures() -> None:
    """Late, received unacknowledged, and never to be sent: none of them is a failure."""
    late = facts(ended(ended_at=NOW), expectations=(expected(),), outputs=(output(),))
    unacknowledged = facts(
        ended(),
        expectations=(expected(),),
        deliveries=(delivery(),),
        attempts=(attempt(GIVEN_UP),),
        outputs=(output(),),
    )
    suppressed = facts(ended(), expectations=(Suppressed("batch.completed", "never sent"),), outputs=(output(),))
    assert [codes(about) for about in (late, unacknowledged, suppressed)] == [[], [], []]


# --- the axes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("actions", [(), (cancel(),)], ids=["unasked", "asked"])
@pytest.mark.parametrize("came", [True, False])
def test_axes_are_independent(end: Status, actions: tuple[ActionRow, ...], came: bool) -> None:
    """What one axis finds is the same whatever the others find."""

    def found(category: Category, **known: Any) -> list[Code]:
        about = facts(ended(end), outputs=(output(),), **known)
        return [failure.code for failure in classify(about, NOW) if failure.category is category]

    deliveries = (delivery(),) if came else ()
    everything: dict[str, Any] = {"expectations": (expected(),), "deliveries": deliveries, "actions": actions}
    assert found(Category.EXECUTION, **everything) == found(Category.EXECUTION)
    assert found(Category.CANCELLATION, **everything) == found(Category.CANCELLATION, actions=actions)
    assert found(Category.DELIVERY, **everything) == ([] if came else [Code.NEVER_ATTEMPTED])


def test_all_three() -> None:
    """One job can fail on all three axes, and be told so on each."""
    about = facts(ended(Status.FAILED), expectations=(expected("batch.failed"),), actions=(cancel(),))
    assert codes(about) == [Code.FAILED, Code.TOO_LATE, Code.NEVER_ATTEMPTED]


@pytest.mark.parametrize("trouble", ["key_refused", "rate_limited", "still_open", "not_found", "poison"])
def test_our_own_trouble_is_no_failure(trouble: str) -> None:
    """Trouble with our own asking is shown elsewhere: no failure of the job comes of it."""
    assert classify(facts(job(trouble=trouble, trouble_since=LONG_AGO, failed_asks=99, denials=99)), NOW) == ()


CATEGORY_OF = {
    **dict.fromkeys((Code.FAILED, Code.EXPIRED, Code.ROWS_FAILED, Code.OUTPUT_MISSING), Category.EXECUTION),
    **dict.fromkeys(
        (
            Code.CANCELLED_BY_OPERATOR,
            Code.CANCELLED_BY_AUTOMATION,
            Code.CANCELLED_ELSEWHERE,
            Code.NOT_CANCELLABLE,
            Code.REFUSED,
            Code.TOO_LATE,
            Code.STUCK,
        ),
        Category.CANCELLATION,
    ),
}


@thoroughly
@given(all_facts, moments)
def test_total(about: Facts, now: int) -> None:
    """Whatever is known of a job, its failures are the same each time, each once, in their category, and can be stored."""
    found = classify(about, now)
    assert found == classify(about, now)
    keys = [(failure.category, failure.code, failure.subject) for failure in found]
    assert len(keys) == len(set(keys))
    for failure in found:
        assert failure.category is CATEGORY_OF.get(failure.code, Category.DELIVERY)
        assert failure.message
        json.dumps(failure.evidence)
    assert sum(failure.category is Category.CANCELLATION for failure in found) <= 1
