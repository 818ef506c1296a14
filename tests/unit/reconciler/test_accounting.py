"""The join of the two ledgers: the first match wins, and every code has its facts."""

from typing import Any

import pytest
from factories import (
    EVENTS,
    NOW,
    PHASEO,
    RECEIPT,
    TERMS,
    all_facts,
    attempt,
    delivery,
    expected,
    facts,
    job,
    moments,
    thoroughly,
)
from hypothesis import given

from reconciler.accounting import ACCOUNT_PATIENCE, Reckoning, account_is_final, is_ours, reckon, window_is_over
from reconciler.facts import Facts
from reconciler.gather import expectations
from schemas.config import Secret, Source
from schemas.readings import Account, Ended, RowCounts, Suppressed
from schemas.tables import AttemptRow, DeliveryRow, JobRow
from schemas.times import HOUR, SECOND, readable
from schemas.words import AttemptOutcome, Code, Status

ENDED = NOW - HOUR
WINDOW_END = ENDED + TERMS.delivery_window


def ended(status: Status | str = Status.COMPLETED, **columns: Any) -> JobRow:
    """A job that ended an hour ago; its account was read just after its window was over."""
    read = {"has_webhook": 1, "account_seen_at": WINDOW_END + 1, "answered_at": WINDOW_END + 1}
    return job(status, **{"ended_at": ENDED, **read, **columns})


OURS, THEIRS = "https://hooks.example/webhooks/gateway", "https://elsewhere.example/hook"


@pytest.mark.parametrize(
    ("account", "endpoint_id", "url", "ours"),
    [
        (Account(endpoint_id="e1"), "e1", OURS, True),
        (Account(endpoint_id="e2"), "e1", OURS, False),
        (Account(endpoint_id="e2"), None, OURS, True),
        (Account(endpoint_id="e1", url=THEIRS), "e1", OURS, True),  # today's gateway merely echoes a URL
        (Account(url=OURS), None, OURS, True),
        (Account(url=THEIRS), None, OURS, False),
        (Account(url=THEIRS), "e1", OURS, False),
        (Account(url=THEIRS), None, None, True),
        (Account(), "e1", OURS, True),
        (Account(), None, None, True),
    ],
)
def test_whose_webhook(account: Account, endpoint_id: str | None, url: str | None, ours: bool) -> None:
    """A job's news is ours by its endpoint, or where there are none by its URL; what nobody can tell is taken for ours."""
    assert is_ours(account, endpoint_id, url) is ours


DELIVERED = AttemptOutcome.DELIVERED
RETRYING = AttemptOutcome.RETRYING
GIVEN_UP = AttemptOutcome.GIVEN_UP

TOLD_500 = {"response_status": 500, "error": "Webhook returned HTTP 500"}
TOLD_LATE = {"timed_out": 1, "error": "Webhook request timed out after 30000ms"}
TOLD_GONE = {"error": "connection refused"}


def one(
    *attempts: AttemptRow, deliveries: tuple[DeliveryRow, ...] = (), row: JobRow | None = None, now: int = NOW
) -> Reckoning:
    """How the one expected delivery of a job stands."""
    about = facts(row or ended(), expectations=(expected(),), deliveries=deliveries, attempts=attempts)
    (reckoning,) = reckon(about, now)
    return reckoning


@pytest.mark.parametrize(
    ("attempts", "code"),
    [
        ([attempt(DELIVERED, preview=RECEIPT)], Code.LOST_HERE),
        ([attempt(DELIVERED, preview="<html>It works!</html>")], Code.PHANTOM),
        ([attempt(DELIVERED, preview=None)], Code.PHANTOM),
        ([attempt(DELIVERED, preview="rcp_0123")], Code.PHANTOM),  # not a receipt id of ours
        ([attempt(DELIVERED, number=0, tried_at=0)], Code.PHANTOM),  # only named as delivered
        ([attempt(GIVEN_UP, number=4, **TOLD_500)], Code.REJECTED),
        ([attempt(GIVEN_UP, number=4, **TOLD_LATE)], Code.TIMED_OUT),
        ([attempt(GIVEN_UP, number=4, **TOLD_GONE)], Code.UNREACHABLE),
        ([attempt(GIVEN_UP, number=0, tried_at=0, error="no longer subscribes")], Code.UNREACHABLE),
        ([attempt(RETRYING, **TOLD_500)], Code.REJECTED),  # the window is over: it will not be tried again
        ([attempt(RETRYING, **TOLD_LATE)], Code.TIMED_OUT),
        ([attempt(RETRYING, **TOLD_GONE)], Code.UNREACHABLE),
        ([attempt(AttemptOutcome.OTHER, **TOLD_500)], Code.REJECTED),
        ([], Code.NEVER_ATTEMPTED),
    ],
)
def test_not_received(attempts: list[AttemptRow], code: Code) -> None:
    """What did not come by the end of its window has the code that the provider's account of it gives."""
    reckoning = one(*attempts)
    assert (reckoning.code, reckoning.is_over, reckoning.delivery) == (code, True, None)
    assert list(reckoning.attempts) == attempts
    assert reckoning.why


def test_no_account() -> None:
    """A provider that keeps no account leaves only that the delivery is missing."""
    assert one(row=ended(account_seen_at=None)).code is Code.MISSING


@pytest.mark.parametrize("outcome", AttemptOutcome)
@pytest.mark.parametrize("told", [TOLD_500, TOLD_LATE, TOLD_GONE, {"preview": RECEIPT}, {"preview": "hello"}])
def test_received(outcome: AttemptOutcome, told: dict[str, Any]) -> None:
    """What was received is no failure, whatever the provider's attempts say."""
    reckoning = one(attempt(outcome, **told), deliveries=(delivery(),))
    assert (reckoning.outcome, reckoning.code, reckoning.is_over) == ("received", None, True)


@pytest.mark.parametrize(
    ("attempts", "times", "why"),
    [
        ([], 1, "received"),
        ([], 3, "received 3 times"),
        ([attempt(DELIVERED, preview=RECEIPT)], 1, "received"),
        ([attempt(RETRYING, **TOLD_LATE), attempt(DELIVERED, number=2)], 2, "received 2 times"),
        ([attempt(GIVEN_UP, **TOLD_LATE)], 4, "received, although the provider has not taken note of our answer"),
    ],
)
def test_received_with_a_note(attempts: list[AttemptRow], times: int, why: str) -> None:
    """That our answer never reached the provider is worth a note beside the delivery, and is no failure."""
    assert one(*attempts, deliveries=(delivery(times_received=times),)).why == why


def test_an_error_that_it_noted() -> None:
    """An answer that the provider has noted is none that it has not taken note of: it is told as it was noted."""
    why = one(attempt(GIVEN_UP, **TOLD_500), deliveries=(delivery(),)).why
    assert why == "received, although the provider's account shows no answer but HTTP 500"


def test_taken_in_later() -> None:
    """What was refused when it came is told as that, and no answer of ours was lost."""
    refused = attempt(GIVEN_UP, number=4, response_status=401, error="Webhook returned HTTP 401")
    taken_in = delivery(times_received=4, times_taken_in=4, taken_in_at=NOW)
    assert one(refused, deliveries=(taken_in,)).why == (
        f"refused with 401 when it came, and taken in by reverify at {readable(NOW)}"
    )
    came_too = delivery(times_received=5, times_taken_in=4, taken_in_at=NOW)
    assert one(deliveries=(came_too,)).why == "received 5 times"


@pytest.mark.parametrize(
    ("attempts", "code"),
    [
        ([attempt(DELIVERED, number=2, preview=RECEIPT), attempt(GIVEN_UP, number=4, **TOLD_500)], Code.LOST_HERE),
        ([attempt(DELIVERED, number=2, preview="x"), attempt(DELIVERED, number=3, preview=RECEIPT)], Code.LOST_HERE),
        ([attempt(RETRYING, **TOLD_500), attempt(DELIVERED, number=2, preview="x")], Code.PHANTOM),
        ([attempt(RETRYING, tried_at=NOW - 9, **TOLD_500), attempt(GIVEN_UP, number=4, **TOLD_LATE)], Code.TIMED_OUT),
        ([attempt(RETRYING, **TOLD_500), attempt(GIVEN_UP, number=0, tried_at=0, **TOLD_GONE)], Code.UNREACHABLE),
    ],
)
def test_first_match(attempts: list[AttemptRow], code: Code) -> None:
    """Delivered outweighs given up, given up outweighs failed; a receipt of ours outweighs another's answer."""
    assert one(*attempts).code is code
    assert one(*reversed(attempts)).code is code


def test_last_attempt_decides() -> None:
    """After the window the last attempt tells why it did not come, by its time and then by its number."""
    early, late = (
        attempt(RETRYING, tried_at=ENDED, **TOLD_500),
        attempt(RETRYING, number=2, tried_at=ENDED + 9, **TOLD_LATE),
    )
    same = attempt(RETRYING, number=3, tried_at=ENDED + 9, **TOLD_GONE)
    assert one(late, early).code is Code.TIMED_OUT
    assert one(same, late, early).code is Code.UNREACHABLE


# --- late, and over ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempts", [[], [attempt(RETRYING, **TOLD_500)], [attempt(AttemptOutcome.OTHER)]])
def test_late(attempts: list[AttemptRow]) -> None:
    """Before the window is over what has not come is merely late, even after failed attempts."""
    reckoning = one(*attempts, row=ended(answered_at=WINDOW_END - 1), now=WINDOW_END - 1)
    assert (reckoning.outcome, reckoning.code, reckoning.is_over) == ("late", None, False)


@pytest.mark.parametrize(
    ("attempts", "code"),
    [
        ([attempt(DELIVERED, preview=RECEIPT)], Code.LOST_HERE),
        ([attempt(DELIVERED, preview="x")], Code.PHANTOM),
        ([attempt(GIVEN_UP, **TOLD_500)], Code.REJECTED),
    ],
)
def test_over_before_its_time(attempts: list[AttemptRow], code: Code) -> None:
    """What the provider counts as delivered, or has given up, will not come: nobody waits for the window."""
    assert one(*attempts, row=ended(answered_at=ENDED), now=ENDED + 1).code is code


@pytest.mark.parametrize(
    ("answered_at", "now", "over"),
    [
        (WINDOW_END - 1, WINDOW_END + ACCOUNT_PATIENCE - 1, False),  # the account is older than the window
        (WINDOW_END - 1, WINDOW_END + ACCOUNT_PATIENCE, True),  # and cannot be had
        (None, WINDOW_END + ACCOUNT_PATIENCE - 1, False),
        (None, WINDOW_END + ACCOUNT_PATIENCE, True),
        (WINDOW_END, WINDOW_END, True),
        (WINDOW_END, WINDOW_END - 1, False),  # a clock that was set back
    ],
)
def test_account_read_after_window(answered_at: int | None, now: int, over: bool) -> None:
    """The window is over when the account has been read after it, or could not be for an hour."""
    about = facts(ended(answered_at=answered_at), expectations=(expected(),))
    assert window_is_over(about, now) is over
    (reckoning,) = reckon(about, now)
    assert reckoning.is_over is over


def test_open_job() -> None:
    """An open job has no window, and nothing was read after it."""
    assert not window_is_over(facts(job(answered_at=NOW)), NOW + 999 * HOUR)
    assert not account_is_final(facts(job(answered_at=NOW)))


# --- which attempts, which keys ---------------------------------------------------------------------------------------

SINCE = TERMS.listening_since


@pytest.mark.parametrize("told", [{"preview": "somebody else's"}, {"preview": RECEIPT}])
def test_attempts_before_we_listened(told: dict[str, Any]) -> None:
    """What was attempted before we began to listen cannot have come here, and is nobody's fault."""
    early = attempt(DELIVERED, tried_at=SINCE - 1, **told)
    reckoning = one(early)
    assert (reckoning.outcome, reckoning.code, list(reckoning.attempts)) == ("suppressed", None, [])
    assert one(attempt(DELIVERED, tried_at=SINCE, **told)).code is not None
    assert one(early, attempt(GIVEN_UP, number=2, **TOLD_500)).code is Code.REJECTED


def test_attempts_at_other_events() -> None:
    """The account of one event says nothing of another, and neither does another's delivery."""
    others = attempt(DELIVERED, key="batch.created", preview=RECEIPT)
    assert one(others, deliveries=(delivery("batch.created"),)).code is Code.NEVER_ATTEMPTED


@pytest.mark.parametrize("key", ["batch.failed", "batch.expired"])
def test_alternative_keys(key: str) -> None:
    """An expired job may be announced under either of two keys; it is named by the first."""
    row = ended(status="expired")
    about = facts(row, expectations=(expected("batch.failed", "batch.expired"),), deliveries=(delivery(key),))
    (reckoning,) = reckon(about, NOW)
    assert (reckoning.name, reckoning.outcome) == ("batch.failed", "received")
    about = facts(row, expectations=(expected("batch.failed", "batch.expired"),), attempts=(attempt(GIVEN_UP, key),))
    (reckoning,) = reckon(about, NOW)
    assert (reckoning.name, reckoning.code) == ("batch.failed", Code.UNREACHABLE)


def test_suppressed() -> None:
    """A delivery that the provider is known never to send is a note, and nobody waits for it."""
    about = facts(ended(), expectations=(Suppressed("batch.completed", "every row failed"),))
    assert reckon(about, ENDED) == (Reckoning("batch.completed", "suppressed", "every row failed"),)
    assert reckon(about, ENDED)[0].is_over


def test_each_expectation_alone() -> None:
    """Each expected delivery is reckoned by itself, in the order in which they are expected."""
    wanted = (expected("batch.created"), expected("batch.completed"))
    about = facts(ended(), expectations=wanted, deliveries=(delivery("batch.created"),))
    assert [(item.name, item.outcome) for item in reckon(about, NOW)] == [
        ("batch.created", "received"),
        ("batch.completed", Code.NEVER_ATTEMPTED),
    ]


# --- what is expected -------------------------------------------------------------------------------------------------


def source(**choices: Any) -> Source:
    fixed = {"name": "main", "dialect": "phaseo", "base_url": "https://api.phaseo.app/v1", "api_key": Secret("k" * 20)}
    defaults = {"tolerance_seconds": 300, "delivery_window_seconds": 2700, "webhook_events": EVENTS[1:]}
    return Source(**{**fixed, **defaults, **choices})


@pytest.mark.parametrize(
    ("row", "choices", "count"),
    [
        (ended(), {}, 1),
        (ended(), {"webhook": "none"}, 0),
        (ended(has_webhook=0), {}, 0),
        (ended(has_webhook=None), {}, 0),
        (job(has_webhook=1), {}, 0),
        (ended(ended_at=SINCE - SECOND - 1), {}, 0),
        (ended(provider_ended_at=SINCE - SECOND - 1), {}, 0),
        (ended(provider_ended_at=SINCE - SECOND), {}, 1),  # providers tell whole seconds
        (ended(ended_at=SINCE - 9, provider_ended_at=SINCE), {}, 1),
        (ended(), {"webhook_events": ()}, 0),
        (ended(), {"webhook_events": EVENTS}, 2),
    ],
)
def test_expectations(row: JobRow, choices: dict[str, Any], count: int) -> None:
    """Something is expected of a job that has ended since we listen, with a webhook of ours, for events that we asked for."""
    assert len(expectations(row, source(**choices), PHASEO, TERMS)) == count


@pytest.mark.parametrize(
    ("status", "counts", "file", "names"),
    [
        (Status.COMPLETED, RowCounts(3, 3, 0), "file-out", ["batch.created", "batch.completed"]),
        (Status.COMPLETED, RowCounts(3, 2, 1), "file-out", ["batch.created", "batch.completed"]),
        (Status.COMPLETED, RowCounts(3, 0, 3), None, ["batch.created"]),
        (Status.FAILED, RowCounts(), None, ["batch.created", "batch.failed"]),
        (Status.CANCELLED, RowCounts(), None, ["batch.created", "batch.cancelled"]),
        (Status.EXPIRED, RowCounts(), None, ["batch.created", "batch.failed"]),
    ],
)
def test_expected_by_end(status: Status, counts: RowCounts, file: str | None, names: list[str]) -> None:
    """Each end has its announcement, except the one that the gateway never announces, which is only noted."""
    row = ended(
        status=status,
        rows_total=counts.total,
        rows_completed=counts.completed,
        rows_failed=counts.failed,
        output_file_id=file,
    )
    found = expectations(row, source(webhook_events=EVENTS), PHASEO, TERMS)
    assert found == PHASEO.expected(Ended("batch", status, counts, file), EVENTS)
    assert [item.name for item in found if not isinstance(item, Suppressed)] == names


@thoroughly
@given(all_facts, moments)
def test_total(about: Facts, now: int) -> None:
    """Every expectation is reckoned, in order, the same each time; what was received is never a failure."""
    reckonings = reckon(about, now)
    assert reckonings == reckon(about, now)
    assert len(reckonings) == len(about.expectations)
    received = {row.delivery_key for row in about.deliveries}
    for expectation, reckoning in zip(about.expectations, reckonings, strict=True):
        assert reckoning.why
        if isinstance(expectation, Suppressed):
            assert reckoning.outcome == "suppressed"
        else:
            assert (reckoning.outcome == "received") == (not received.isdisjoint(expectation.keys))
        assert reckoning.code is None or reckoning.code in DELIVERY_CODES


DELIVERY_CODES = {
    Code.REJECTED,
    Code.TIMED_OUT,
    Code.UNREACHABLE,
    Code.NEVER_ATTEMPTED,
    Code.PHANTOM,
    Code.LOST_HERE,
    Code.MISSING,
}
