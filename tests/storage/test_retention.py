"""Retention: old things go, the bytes first and a batch at a time; what is unseen, needed or an identity stays."""

from typing import Any

import pytest
from sqlalchemy import func, select
from stored import NOON, Clock, Run, a_job, a_receipt, everything, within

from schemas.ids import first_at
from schemas.tables import (
    ActionRow,
    BodyRow,
    DeliveryRow,
    JobRow,
    ObservationRow,
    ReceiptRow,
    RefusalRow,
    TallyRow,
    TransitionRow,
    WatchRow,
)
from schemas.times import DAY, MINUTE
from schemas.words import Verdict
from storage import actions, inbox, observations, retention
from storage.rows import add, table
from storage.store import Store

AGREES = Verdict.AGREES
BEFORE = NOON  # what is younger than this stays
OLD, YOUNG = NOON - DAY, NOON + DAY


async def prune(store: Store, chore: Any, limit: int = 100) -> int:
    return int(await within(store.writing(), chore, BEFORE, limit))


async def count(store: Store, row: type[Any]) -> int:
    async with store.reading() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table(row))) or 0)


async def put(store: Store, row: Any) -> None:
    await within(store.writing(), add, row)


@pytest.fixture
def then(clock: Clock) -> Clock:
    """The clock, put back to when the old rows are made: ids tell the time as well."""
    clock.now = OLD
    return clock


def refusal(store: Store, at: int) -> RefusalRow:
    return RefusalRow(id=store.new_id(), source="acme", reason="flood", http_status=429, received_at=at)


def observation(store: Store, job: int, at: int, last: int | None = None) -> ObservationRow:
    return ObservationRow(id=store.new_id(), job=job, asked="poll", first_seen_at=at, last_seen_at=last or at)


def action(store: Store, job: int, at: int, due_at: int | None = None) -> ActionRow:
    return ActionRow(
        id=store.new_id(),
        job=job,
        source="acme",
        verb="cancel",
        asked_by="operator",
        asked_at=at,
        due_at=due_at,
    )


def test_first_id_of_a_time(store: Store, clock: Clock) -> None:
    """The bound by id lies above whatever was made before that time, and below whatever is made from then on."""
    clock.now = NOON - 1_000
    earlier = store.new_id()
    clock.now = NOON
    later = store.new_id()

    assert earlier < first_at(NOON) <= later
    assert first_at(0) == 0


def test_bytes_go_first(store: Store, run: Run, then: Clock) -> None:
    """The bytes of old receipts go, then the receipts, and never a receipt whose bytes are still there."""

    async def flow() -> None:
        await a_receipt(store, verdict=AGREES, at=OLD)

        assert await prune(store, retention.receipts) == 0
        assert await prune(store, retention.bodies) == 1
        assert (await count(store, BodyRow), await count(store, ReceiptRow)) == (0, 1)
        assert await prune(store, retention.receipts) == 1
        assert (await count(store, ReceiptRow), await count(store, DeliveryRow)) == (0, 1)

    run(flow())


def test_young_ones_stay(store: Store, run: Run, then: Clock) -> None:
    """What is younger than its time stays: by the clock that it was received by, to the microsecond."""

    async def flow() -> None:
        await a_receipt(store, "b1", verdict=AGREES, at=BEFORE)
        await a_receipt(store, "b2", verdict=AGREES, at=BEFORE - 1)
        then.now = YOUNG
        await a_receipt(store, "b3", verdict=AGREES, at=YOUNG)
        for chore in (retention.bodies, retention.receipts):
            assert await prune(store, chore) == 1

        assert [row.received_at for row in await everything(store, ReceiptRow)] == [BEFORE, YOUNG]

    run(flow())


def test_unjudged_ones_stay(store: Store, run: Run, then: Clock) -> None:
    """A receipt that nobody has judged stays whole, however old it is, also when it was set aside."""

    async def flow() -> None:
        unseen = await a_receipt(store, "b1", at=OLD, body=b"unseen")
        aside = await a_receipt(store, "b2", at=OLD, body=b"aside")
        await within(store.writing(), inbox.set_aside, aside.id, YOUNG)
        for chore in (retention.bodies, retention.receipts, retention.orphans):
            assert await prune(store, chore) == 0
        waiting = await within(store.reading(), inbox.waiting, "acme", YOUNG, 10)

        assert [(item.receipt.id, item.body) for item in waiting] == [(unseen.id, b"unseen"), (aside.id, b"aside")]

    run(flow())


@pytest.mark.parametrize(("verdict", "at"), [(None, OLD), (None, YOUNG), (AGREES, YOUNG)])
def test_shared_bytes_stay(store: Store, run: Run, then: Clock, verdict: Verdict | None, at: int) -> None:
    """Bytes that came again with a receipt that is young, or not judged yet, stay for it, and so does the first receipt."""

    async def flow() -> None:
        first = await a_receipt(store, at=OLD, verdict=AGREES, body=b"bytes")
        then.now = at
        second = await a_receipt(store, at=at, verdict=verdict, same_bytes_as=first)
        for chore in (retention.bodies, retention.receipts):
            assert await prune(store, chore) == 0
        assert [row.body for row in await everything(store, BodyRow)] == [b"bytes"]

        await within(store.writing(), inbox.set_verdict, second, AGREES)
        gone = int(at == OLD)
        assert await prune(store, retention.bodies) == gone
        assert await prune(store, retention.receipts) == gone * 2

    run(flow())


def test_other_bytes_of_a_delivery_go(store: Store, run: Run, then: Clock) -> None:
    """A young retry with bytes of its own keeps only these, though it is of the same delivery, or has the same digest."""

    async def flow() -> None:
        old = await a_receipt(store, at=OLD, verdict=AGREES, body=b"old")
        then.now = YOUNG
        young = await a_receipt(store, at=YOUNG, verdict=AGREES, body=b"young")
        collides = ReceiptRow(**(young.model_dump() | {"id": store.new_id(), "digest": old.digest}))
        await put(store, collides)

        assert await prune(store, retention.bodies) == 1
        assert await prune(store, retention.receipts) == 1
        assert [row.body for row in await everything(store, BodyRow)] == [b"young"]

    run(flow())


def test_identities_of_jobs_stay(store: Store, run: Run, then: Clock) -> None:
    """A delivery stays as long as its job, or an old one sent again would count as new; an orphan goes, if it is bare."""

    async def flow() -> None:
        await a_job(store, "known")
        await a_receipt(store, "known", verdict=AGREES, at=OLD)
        await a_receipt(store, "orphan", verdict=Verdict.UNKNOWN_JOB, at=OLD)
        await a_receipt(store, "known", source="other", verdict=Verdict.UNKNOWN_JOB, at=OLD)
        await a_receipt(store, "fresh", verdict=Verdict.UNKNOWN_JOB, at=OLD)
        await a_receipt(store, "fresh", verdict=Verdict.UNKNOWN_JOB, at=YOUNG)

        assert await prune(store, retention.orphans) == 0
        assert await prune(store, retention.bodies) == 4
        assert await prune(store, retention.receipts) == 4
        assert await prune(store, retention.orphans) == 2
        kept = [(row.source, row.job_id) for row in await everything(store, DeliveryRow)]
        assert kept == [("acme", "known"), ("acme", "fresh")]
        assert await count(store, JobRow) == 1

    run(flow())


def test_batches(store: Store, run: Run, then: Clock) -> None:
    """No more goes at once than asked for, the oldest first, and what may not go fills no batch."""

    async def flow() -> None:
        await a_receipt(store, "unseen", at=OLD)
        for number in range(5):
            await a_receipt(store, f"b{number}", verdict=AGREES, at=OLD, body=b"%d" % number)

        assert [await prune(store, retention.bodies, 2) for _ in range(4)] == [2, 2, 1, 0]
        assert [await prune(store, retention.receipts, 3) for _ in range(3)] == [3, 2, 0]
        await put(store, refusal(store, OLD))
        await put(store, refusal(store, OLD + 1))
        assert await prune(store, retention.refusals, 1) == 1
        assert [row.received_at for row in await everything(store, RefusalRow)] == [OLD + 1]

    run(flow())


def test_refusals(store: Store, run: Run, then: Clock) -> None:
    """Refusals go by their age alone."""

    async def flow() -> None:
        for at in (OLD, BEFORE - 1, BEFORE, YOUNG):
            await put(store, refusal(store, at))

        assert await prune(store, retention.refusals) == 2
        assert [row.received_at for row in await everything(store, RefusalRow)] == [BEFORE, YOUNG]

    run(flow())


def test_observations(store: Store, run: Run, then: Clock) -> None:
    """Old answers about settled jobs go, but for those that moved one; a run is as young as its last answer."""

    async def flow() -> None:
        settled, unsettled = await a_job(store, "b1", settled_at=OLD), await a_job(store, "b2")
        plain, moved = observation(store, settled.id, OLD), observation(store, settled.id, OLD)
        going_on = observation(store, settled.id, OLD, YOUNG)
        of_open = observation(store, unsettled.id, OLD)
        for row in (plain, moved, going_on, of_open):
            await put(store, row)
        move = TransitionRow(
            id=store.new_id(),
            job=settled.id,
            revision=1,
            from_status="running",
            to_status="completed",
            observation=moved.id,
            at=OLD,
        )
        await within(store.writing(), observations.record, move)

        assert await prune(store, retention.observations) == 1
        kept = [row.id for row in await everything(store, ObservationRow)]
        assert kept == [moved.id, going_on.id, of_open.id]
        assert await count(store, TransitionRow) == 1

    run(flow())


def test_actions(store: Store, run: Run, then: Clock) -> None:
    """Old actions that are over go, of settled jobs."""

    async def flow() -> None:
        settled, unsettled = await a_job(store, "b1", settled_at=OLD), await a_job(store, "b2")
        over, waiting = action(store, settled.id, OLD), action(store, settled.id, OLD, due_at=YOUNG)
        young, of_open = action(store, settled.id, YOUNG), action(store, unsettled.id, OLD)
        for row in (over, waiting, young, of_open):
            await within(store.writing(), actions.ask, row)

        assert await prune(store, retention.actions) == 1
        kept = [row.id for row in await everything(store, ActionRow)]
        assert kept == [waiting.id, young.id, of_open.id]

    run(flow())


def test_watches(store: Store, run: Run, then: Clock) -> None:
    """Watches that lapsed go; one that began long ago and is renewed to this day stays."""

    async def flow() -> None:
        job = await a_job(store)
        lapsed, renewed = (
            WatchRow(id=store.new_id(), job=job.id, source="acme", until=until) for until in (BEFORE - 1, BEFORE)
        )
        await put(store, lapsed)
        await put(store, renewed)

        assert await prune(store, retention.watches) == 1
        assert [row.id for row in await everything(store, WatchRow)] == [renewed.id]

    run(flow())


def test_tallies(store: Store, run: Run) -> None:
    """Counters of minutes that are past go, whole minutes only."""

    async def flow() -> None:
        first = BEFORE // MINUTE
        for minute in (first - 2, first - 1, first, first + 1):
            await put(store, TallyRow(minute=minute, source="acme", what="accepted", count=3))

        assert await within(store.writing(), retention.tallies, (first + 1) * MINUTE - 1) == 2
        assert [row.minute for row in await everything(store, TallyRow)] == [first, first + 1]

    run(flow())
