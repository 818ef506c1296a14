"""Expected deliveries: which news of a job should come by when, and in which state each is."""

from typing import Any

import pytest
from factories import NOW, TERMS, attempt, delivery, expected, facts, job

from reconciler.expecting import PROMPT, ExpectedDelivery, expected_deliveries
from schemas.readings import Expected, Suppressed
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import TERMINAL, Code, Status

ENDED = NOW - 30 * SECOND


def states(row: Any, now: int = NOW, **more: Any) -> list[tuple[str, str]]:
    return [(one.key, one.state) for one in expected_deliveries(facts(row, **more), now)]


def ended(**columns: Any) -> Any:
    return job(Status.COMPLETED, **{"ended_at": ENDED, "has_webhook": 1, "end_heard_by": "poll", **columns})


@pytest.mark.parametrize(
    ("later", "more", "state"),
    [
        (0, {}, "awaited"),
        (30 * SECOND, {}, "awaited"),
        (30 * SECOND + 1, {}, "late"),
        (30 * MINUTE, {}, "late"),
        (2 * HOUR, {}, "healed_by_poll"),
        (0, {"attempts": (attempt("given_up"),)}, "healed_by_poll"),
        (0, {"deliveries": (delivery(),)}, "received"),
        (9 * HOUR, {"deliveries": (delivery(),)}, "received"),
    ],
)
def test_of_an_end(later: int, more: dict[str, Any], state: str) -> None:
    """News is awaited for a minute, then late, and when its window is over or the provider gave up, healed by our asking."""
    assert states(ended(), NOW + later, expectations=(expected(),), **more) == [("batch.completed", state)]


def test_missing() -> None:
    """Where another webhook told of the end first, one that never comes is just missing."""
    row = ended(end_heard_by="webhook")
    [one] = expected_deliveries(facts(row, expectations=(expected("batch.created"),)), NOW + 2 * HOUR)

    assert (one.state, one.code) == ("missing", Code.MISSING)


def test_by_when() -> None:
    """It should come within a minute of the end at the provider, and is given up when the source's window is over."""
    row = ended(provider_ended_at=ENDED - MINUTE)
    [one] = expected_deliveries(facts(row, expectations=(expected(),)), NOW)

    assert (one.expected_by, one.given_up_at) == (ENDED - MINUTE + PROMPT, ENDED + TERMS.delivery_window)


def test_received_late() -> None:
    """What came later than it should says how long after the end."""
    came = delivery(first_received_at=ENDED + 10 * MINUTE)
    [one] = expected_deliveries(facts(ended(), expectations=(expected(),), deliveries=(came,)), NOW + HOUR)

    assert one.why == "received, 10 min after the end"


def test_suppressed() -> None:
    """What the provider is known never to send is told, with the reason."""
    never = Suppressed("batch.completed", "it is never sent for such a job")
    assert states(ended(), expectations=(never,)) == [("batch.completed", "suppressed")]


def test_of_an_open_job() -> None:
    """An open job shows what each end of it would bring, and what has come already; without a webhook of ours, nothing."""
    created = Expected(("batch.created",))
    prospects = [(end, created) for end in sorted(TERMINAL)]
    prospects += [(Status.COMPLETED, expected()), (Status.FAILED, expected("batch.failed"))]
    found = expected_deliveries(facts(job(), prospects=prospects), NOW)

    assert found == (
        ExpectedDelivery("batch.created", "batch.created", "not_due", "comes however it ends"),
        ExpectedDelivery("batch.completed", "batch.completed", "not_due", "comes if it ends completed"),
        ExpectedDelivery("batch.failed", "batch.failed", "not_due", "comes if it ends failed"),
    )
    came = delivery("batch.created")
    assert states(job(), prospects=prospects, deliveries=(came,))[0] == ("batch.created", "received")
    assert states(job()) == []
