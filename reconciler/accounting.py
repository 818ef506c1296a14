"""The join of the two ledgers: what should have been delivered, what the provider says of its attempts, and what came.

First match wins: received, whatever the attempts say; delivered elsewhere, or here and lost; given up; late; and when
the window is over, what the last attempt says, or that there was none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.facts import Facts
from schemas.ids import RECEIPT_PATTERN
from schemas.readings import Account, Expected, Suppressed
from schemas.tables import AttemptRow, DeliveryRow
from schemas.times import HOUR, readable
from schemas.words import AttemptOutcome, Code

ACCOUNT_PATIENCE = HOUR  # how long after the window we wait for an account read after it


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How one expected delivery stands. A code makes it a delivery failure; anything else is no fault."""

    name: str
    outcome: Literal["received", "suppressed", "late"] | Code
    why: str
    delivery: DeliveryRow | None = None
    attempts: Sequence[AttemptRow] = ()

    @property
    def code(self) -> Code | None:
        return self.outcome if isinstance(self.outcome, Code) else None

    @property
    def is_over(self) -> bool:
        """Nothing more is to be expected."""
        return self.outcome != "late"


def is_ours(account: Account, endpoint_id: str | None, url: str | None) -> bool:
    """Whether the provider sends this job's news to us. Another endpoint than the configured one, or without an endpoint
    another URL than ours, belongs to somebody else; where neither is known, it is taken for ours."""
    if account.endpoint_id is not None:
        return endpoint_id in (None, account.endpoint_id)
    return account.url is None or url in (None, account.url)


def reckon(facts: Facts, now: int) -> tuple[Reckoning, ...]:
    """Every expectation of a terminal job, and how it stands."""
    return tuple(
        Reckoning(expectation.key, "suppressed", expectation.why)
        if isinstance(expectation, Suppressed)
        else _reckon(expectation, facts, now)
        for expectation in facts.expectations
    )


def window_is_over(facts: Facts, now: int) -> bool:
    """The window has passed, and the provider's account was read after it or cannot be had."""
    end = facts.window_end
    if end is None or now < end:
        return False
    return account_is_final(facts) or now >= end + ACCOUNT_PATIENCE


def account_is_final(facts: Facts) -> bool:
    """The provider has been asked since the window ended: its account of this job will not be read again."""
    end, answered_at = facts.window_end, facts.job.answered_at
    return end is not None and answered_at is not None and answered_at >= end


def _reckon(expected: Expected, facts: Facts, now: int) -> Reckoning:
    received = next((row for row in facts.deliveries if row.delivery_key in expected.keys), None)
    attempts = _ours(expected, facts)
    if received is not None:
        return Reckoning(expected.name, "received", _received(received, attempts), received, attempts)
    if not attempts and any(_is_early(row, facts) for row in facts.attempts if row.delivery_key in expected.keys):
        return Reckoning(expected.name, "suppressed", "the provider attempted it before we began to listen")
    code, why = _code(facts, attempts, now)
    return Reckoning(expected.name, code or "late", why, None, attempts)


def _ours(expected: Expected, facts: Facts) -> list[AttemptRow]:
    """The attempts at this event since we began to listen, oldest first. An attempt without a time counts."""
    rows = [row for row in facts.attempts if row.delivery_key in expected.keys and not _is_early(row, facts)]
    return sorted(rows, key=lambda row: (row.tried_at, row.number))


def _is_early(row: AttemptRow, facts: Facts) -> bool:
    return 0 < row.tried_at < facts.terms.listening_since


def was_refused(delivery: DeliveryRow) -> bool:
    """Whether every request that brought it was refused when it came, and taken in later."""
    return delivery.times_taken_in >= delivery.times_received


def _received(delivery: DeliveryRow, attempts: Sequence[AttemptRow]) -> str:
    if was_refused(delivery) and delivery.taken_in_at is not None:
        return f"refused with 401 when it came, and taken in by reverify at {readable(delivery.taken_in_at)}"
    if attempts and all(attempt.outcome != AttemptOutcome.DELIVERED for attempt in attempts):
        statuses = sorted({attempt.response_status for attempt in attempts if attempt.response_status is not None})
        if statuses:
            noted = ", ".join(f"HTTP {status}" for status in statuses)
            return f"received, although the provider's account shows no answer but {noted}"
        return "received, although the provider has not taken note of our answer"
    return "received" if delivery.times_received == 1 else f"received {delivery.times_received} times"


def _code(facts: Facts, attempts: Sequence[AttemptRow], now: int) -> tuple[Code | None, str]:
    delivered = [attempt for attempt in attempts if attempt.outcome == AttemptOutcome.DELIVERED]
    if any(RECEIPT_PATTERN.search(attempt.preview or "") for attempt in delivered):
        return Code.LOST_HERE, "the provider holds a receipt of ours, and we do not have the delivery"
    if delivered:
        return Code.PHANTOM, "the provider counts it as delivered, but something else than us answered"
    last = attempts[-1] if attempts else None
    given_up = [attempt for attempt in attempts if attempt.outcome == AttemptOutcome.GIVEN_UP]
    if given_up:
        final = given_up[-1]
        why = f"the provider gave up after attempt {final.number}: {final.error or 'no reason given'}"
        return _of_attempt(final), why
    if not window_is_over(facts, now):
        return (
            None,
            "may still come" if last is None else f"attempt {last.number} failed: {last.error or 'no reason given'}",
        )
    if last is not None:
        return _of_attempt(
            last
        ), f"the window is over, and attempt {last.number} failed: {last.error or 'no reason given'}"
    if facts.job.account_seen_at is None:
        return Code.MISSING, "the window is over, and the provider keeps no account of its attempts"
    return Code.NEVER_ATTEMPTED, "the window is over, and the provider's own account shows no attempt"


def _of_attempt(attempt: AttemptRow) -> Code:
    if attempt.response_status is not None:
        return Code.REJECTED
    return Code.TIMED_OUT if attempt.timed_out else Code.UNREACHABLE
