"""Expected deliveries: which news of a job should come by when, and how each stands. Pure.

It tells what accounting reckons, in the words of whoever waits for the news, and for an open job what its end will bring.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reconciler.accounting import Reckoning, reckon
from reconciler.apply import WEBHOOK
from reconciler.facts import Facts
from schemas.readings import Expected, Suppressed
from schemas.times import MINUTE, in_words
from schemas.words import TERMINAL, Code, Status

PROMPT = MINUTE  # providers send at once; what takes longer is late

State = Literal["not_due", "awaited", "late", "received", "healed_by_poll", "missing", "suppressed"]


@dataclass(frozen=True, slots=True)
class ExpectedDelivery:
    """One delivery that should come, and how that stands. Times in microseconds."""

    key: str
    event: str
    state: State
    why: str
    expected_by: int | None = None  # later it is late; None: its job has not ended
    given_up_at: int | None = None  # later it is missing, if the provider does not give up before
    code: Code | None = None  # of the failure that it is


def expected_deliveries(facts: Facts, now: int) -> tuple[ExpectedDelivery, ...]:
    """Every delivery that a job should bring, or has brought, by key."""
    if not facts.status.is_terminal:
        return tuple(_to_come(facts))
    keys = {one.name if isinstance(one, Expected) else one.key: _key(one) for one in facts.expectations}
    return tuple(_of_end(reckoning, keys[reckoning.name], facts, now) for reckoning in reckon(facts, now))


def _to_come(facts: Facts) -> Iterator[ExpectedDelivery]:
    """What the end of an open job will bring; some of it may be here already, as it does not tell of the end."""
    received = {row.delivery_key for row in facts.deliveries}
    ends: dict[tuple[str, str], list[Status]] = {}
    for end, one in facts.prospects:
        if isinstance(one, Expected):
            ends.setdefault((one.keys[0], one.name), []).append(end)
    for (key, event), found in ends.items():
        if key in received:
            yield ExpectedDelivery(key, event, "received", "received")
            continue
        when = "however it ends" if set(found) >= TERMINAL else f"if it ends {' or '.join(found)}"
        yield ExpectedDelivery(key, event, "not_due", f"comes {when}")


def _key(one: Expected | Suppressed) -> str:
    return one.keys[0] if isinstance(one, Expected) else one.key


def _of_end(reckoning: Reckoning, key: str, facts: Facts, now: int) -> ExpectedDelivery:
    ended_at = facts.job.provider_ended_at or facts.job.ended_at
    by = None if ended_at is None else ended_at + PROMPT
    key = reckoning.delivery.delivery_key if reckoning.delivery else key
    state, why = _state(reckoning, facts, by, now)
    return ExpectedDelivery(key, reckoning.name, state, why, by, facts.window_end, reckoning.code)


def _state(reckoning: Reckoning, facts: Facts, by: int | None, now: int) -> tuple[State, str]:
    """What never came was healed where our asking found the end first; where another webhook told of it, it is just missing."""
    if reckoning.delivery is not None:
        received_at = reckoning.delivery.first_received_at
        is_late = by is not None and received_at > by
        return "received", reckoning.why + (
            f", {in_words(received_at - (by or 0) + PROMPT)} after the end" if is_late else ""
        )
    if reckoning.outcome == "suppressed":
        return "suppressed", reckoning.why
    if reckoning.code is None:
        return ("late" if by is not None and now > by else "awaited"), reckoning.why
    if facts.job.end_heard_by == WEBHOOK:
        return "missing", reckoning.why
    return "healed_by_poll", f"{reckoning.why}; the end was found by asking"
