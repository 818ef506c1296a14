"""The 720 orders: whatever the order in which a life's six events reach us, it ends the same.

The fold below uses the decisions as the rounds do: judging.py for what arrives, record.py for what is answered.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from typing import Any

import pytest
from factories import EVENTS, NOW, PACE, PHASEO, RULES, TERMS, answer, cancel, completed, delivery, job, output

from reconciler.apply import apply, claimed
from reconciler.facts import Facts
from reconciler.judge import judge
from reconciler.review import Review, review
from schemas.readings import Ended, Observation, Report, RowCounts
from schemas.tables import ActionRow, DeliveryRow, JobRow, OutputRow
from schemas.times import HOUR, SECOND
from schemas.words import ActionState, Asked, Code, OutputRole, OutputState, Status, Verdict

STEP = 10 * SECOND
FINAL = NOW + 3 * HOUR  # past the delivery window and every patience


@dataclass
class World:
    """What the store holds of one job. It may not know the job yet."""

    row: JobRow | None = field(default_factory=lambda: job(Status.UNKNOWN, has_webhook=1, created_at=NOW))
    deliveries: dict[str, DeliveryRow] = field(default_factory=dict)
    actions: list[ActionRow] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    ends: list[tuple[Status, int]] = field(default_factory=list)
    last: Review | None = None

    def arrives(self, key: str, status: Status | None, now: int) -> None:
        """A receipt is stored and judged; an unknown job is adopted."""
        known = self.deliveries.get(key)
        times = known.times_received + 1 if known else 1
        self.deliveries[key] = _received(key, times)
        judgement = judge(self.row, Report(status=status))
        self.verdicts.append(judgement.verdict)
        if self.row is None:
            assert judgement.adopt
            self.row = job(Status.UNKNOWN, has_webhook=1, created_at=now)
        if judgement.wanted:
            self._change(claimed(self.row, status, now))
        self._review(now, answered=False)

    def answered(self, said: Observation, asked: Asked, sent_at: int, now: int) -> None:
        """An answer is applied."""
        assert self.row is not None
        applied = apply(self.row, asked, sent_at, said, RULES, now)
        self._change(applied.changes)
        if applied.move is not None and applied.move.to_status.is_terminal:
            self.ends.append((applied.move.to_status, applied.move.revision))
        self._review(now, answered=True)

    def cancel_answered(self, said: Observation, sent_at: int, now: int) -> None:
        self.actions = [
            ActionRow(**{**row.model_dump(), "state": ActionState.ACCEPTED, "answered_at": now}) for row in self.actions
        ]
        self.answered(said, Asked.CANCEL, sent_at, now)

    def _change(self, changes: Any) -> None:
        assert self.row is not None
        for name, value in changes.items():
            if getattr(self.row, name) != value:
                setattr(self.row, name, value)

    def _review(self, now: int, answered: bool) -> None:
        assert self.row is not None
        found = review(self.facts(self.row), PACE, None, None, 0.5, now)
        changes = dict(found.changes)
        if not answered and self.row.due_at is not None and not Status(self.row.status).is_terminal:
            changes["due_at"] = min(self.row.due_at, changes["due_at"] or self.row.due_at)
        self._change(changes)
        self.last = found

    def facts(self, row: JobRow) -> Facts:
        counts = RowCounts(row.rows_total, row.rows_completed, row.rows_failed)
        status = Status(row.status)
        expectations = (
            PHASEO.expected(Ended("batch", status, counts, row.output_file_id), EVENTS) if status.is_terminal else ()
        )
        return Facts(row, TERMS, expectations, tuple(self.deliveries.values()), (), tuple(self.actions), _outputs(row))


@cache
def _received(key: str, times: int) -> DeliveryRow:
    return delivery(key, times_received=times)


@cache
def _found(role: OutputRole, file_id: str) -> OutputRow:
    return output(file_id, OutputState.EXISTS, role)


def _outputs(row: JobRow) -> tuple[OutputRow, ...]:
    roles = ((OutputRole.OUTPUT, row.output_file_id), (OutputRole.ERROR, row.error_file_id))
    return tuple(_found(role, file_id) for role, file_id in roles if file_id)


Event = Callable[[World, int, int], None]  # the world, when a question left, when its answer or the news is taken in


def news(key: str, status: Status | None) -> Event:
    return lambda world, sent_at, now: world.arrives(key, status, now)


def polled(said: Observation) -> Event:
    return lambda world, sent_at, now: world.answered(said, Asked.POLL, sent_at, now)


def cancelling(said: Observation) -> Event:
    return lambda world, sent_at, now: world.cancel_answered(said, sent_at, now)


PENDING, RUNNING, COMPLETED = Status.PENDING, Status.RUNNING, Status.COMPLETED
FAILED, CANCELLED, EXPIRED = Status.FAILED, Status.CANCELLED, Status.EXPIRED
WITH_FAILED_ROWS = completed(failed=2)


@dataclass(frozen=True)
class Life:
    """Six events, the truth at the provider in the end, and what must be known of it here."""

    events: Sequence[Event]
    truth: Observation
    failures: Sequence[tuple[Code, str]] = ()
    cancels: Sequence[ActionRow] = ()


LIVES = {
    "completes": Life(
        [
            news("batch.created", PENDING),
            news("batch.completed", COMPLETED),
            news("batch.completed", COMPLETED),
            polled(answer(RUNNING)),
            polled(completed()),
            news("batch.created", RUNNING),  # late, and rebuilt
        ],
        completed(),
    ),
    "announced by a name that lies": Life(
        [
            news("batch.created", COMPLETED),  # tried again after the end, with the content of then
            news("batch.failed", EXPIRED),
            news("batch.failed", None),  # a thin retry
            polled(answer(PENDING)),
            polled(answer(RUNNING)),
            polled(answer(EXPIRED)),
        ],
        answer(EXPIRED),
        [(Code.EXPIRED, "")],
    ),
    "rows fail and a delivery is lost": Life(
        [
            news("batch.created", PENDING),
            news("batch.created", RUNNING),
            polled(answer(PENDING)),
            polled(answer(RUNNING)),
            polled(WITH_FAILED_ROWS),
            polled(answer(COMPLETED)),  # the same end in fewer words
        ],
        answer(COMPLETED),
        [(Code.ROWS_FAILED, ""), (Code.MISSING, "batch.completed")],
    ),
    "cancelled as asked": Life(
        [
            news("batch.created", PENDING),
            news("batch.cancelled", CANCELLED),
            news("batch.cancelled", CANCELLED),
            polled(answer(RUNNING)),
            cancelling(answer(RUNNING, native_status="cancelling")),
            polled(answer(CANCELLED)),
        ],
        answer(CANCELLED),
        [(Code.CANCELLED_BY_OPERATOR, "")],
        [cancel("asked", sent_at=NOW - 1, answered_at=None)],
    ),
    "cancelled too late": Life(
        [
            news("batch.created", PENDING),
            news("batch.failed", FAILED),
            news("batch.created", FAILED),
            polled(answer(RUNNING)),
            cancelling(answer(RUNNING, native_status="cancelling")),
            polled(answer(FAILED)),
        ],
        answer(FAILED),
        [(Code.FAILED, ""), (Code.TOO_LATE, "")],
        [cancel("asked", sent_at=NOW - 1, answered_at=None)],
    ),
    "two ends are announced": Life(
        [
            news("batch.created", PENDING),
            news("batch.failed", FAILED),  # not what the provider says when it is asked
            news("batch.completed", COMPLETED),
            polled(answer(PENDING)),
            polled(answer(RUNNING)),
            polled(completed()),
        ],
        completed(),
    ),
    "only webhooks before the last question": Life(
        [
            news("batch.created", PENDING),
            news("batch.created", RUNNING),
            news("batch.completed", COMPLETED),
            news("batch.completed", COMPLETED),
            news("batch.progress:50", RUNNING),
            news("batch.status_changed:a:b", None),
        ],
        completed(),
    ),
}


def lived(life: Life, order: Sequence[Event], in_flight: int, world: World | None = None) -> World:
    """Fold the events in this order, each question having left `in_flight` before its answer; then ask for the last time."""
    world = world or World(actions=list(life.cancels))
    for number, event in enumerate(order, start=1):
        now = NOW + number * STEP
        event(world, now - in_flight, now)
        assert world.row is not None
        assert Status(world.row.status).is_terminal or world.row.due_at is not None  # no open job is forgotten
    world.answered(life.truth, Asked.POLL, FINAL - SECOND, FINAL)
    return world


def told(world: World) -> tuple[Any, ...]:
    """All that anybody would be told in the end."""
    row, last = world.row, world.last
    assert row is not None
    assert last is not None
    kept = ("status", "native_status", "basis", "revision", "output_file_id", "error_file_id", "rows_failed")
    asking = ("wanted_at", "claimed_at", "claim_asks", "failed_asks", "denials", "trouble", "due_at")
    failures = tuple((failure.code, failure.subject) for failure in last.failures)
    return (
        tuple(getattr(row, name) for name in (*kept, *asking)),
        failures,
        row.ready_at is not None,
        row.settled_at is not None,
        tuple(world.ends),
    )


@pytest.mark.parametrize("in_flight", [SECOND, 9 * STEP], ids=["quick", "all the while"])
@pytest.mark.parametrize("name", LIVES)
def test_720_orders(name: str, in_flight: int) -> None:
    """Every order of a life's six events ends in the same status, revision, failures and silence."""
    life = LIVES[name]
    outcomes = Counter(told(lived(life, order, in_flight)) for order in permutations(life.events))
    assert outcomes.total() == 720
    ((columns, failures, ready, settled, ends),) = outcomes
    assert columns[:4] == (life.truth.status, life.truth.native_status, "observed", 1)
    assert columns[-7:] == (None, None, 0, 0, 0, None, None)
    assert list(failures) == list(life.failures)
    assert (ready, settled, ends) == (True, True, ((life.truth.status, 1),))


def test_720_orders_of_an_unknown_job() -> None:
    """A job that we first hear of by webhook is adopted by whichever comes first, and ends as if we had known it."""
    life = LIVES["only webhooks before the last question"]
    worlds = [lived(life, order, SECOND, World(row=None)) for order in permutations(life.events)]
    assert {told(world) for world in worlds} == {told(lived(life, life.events, SECOND))}
    assert all(
        world.verdicts.count(Verdict.UNKNOWN_JOB) == 1 and world.verdicts[0] is Verdict.UNKNOWN_JOB for world in worlds
    )


def test_provider_that_revises_itself() -> None:
    """When the provider's own answers name two ends, each is a revision, and the last one asked for stands."""
    events = [polled(answer(FAILED)), polled(completed()), *[news("batch.completed", COMPLETED)] * 4]
    life = Life(events, completed())
    found = Counter(
        (told(world)[0][:2], tuple(world.ends))
        for world in (lived(life, order, SECOND) for order in permutations(events))
    )
    assert {columns for columns, _ in found} == {("completed", "completed")}
    assert {ends for _, ends in found} == {
        ((FAILED, 1), (COMPLETED, 2)),
        ((COMPLETED, 1), (FAILED, 2), (COMPLETED, 3)),
    }
