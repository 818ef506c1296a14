"""Queues: what waits of each source and for each target, and since when; no further than a bound."""

import pytest
from stored import NOON, Clock, Run, a_job, a_receipt, within

from schemas.tables import HandoffRow, SubmissionRow
from schemas.times import MINUTE, SECOND
from schemas.words import HandoffState, SubmissionState, Verdict
from storage import handoffs, queues, sources, submissions
from storage.queues import OfSource, OfTarget
from storage.store import Store


async def a_submission(store: Store, due_at: int | None, source: str = "acme") -> None:
    row = SubmissionRow(
        id=store.new_id(),
        source=source,
        state=SubmissionState.STORED.value,
        input_name="rows.jsonl",
        input_sha256="0" * 64,
        input_bytes=1,
        row_count=1,
        due_at=due_at,
        created_at=NOON,
        updated_at=NOON,
    )
    await within(store.writing(), submissions.store, row)


async def a_handoff(store: Store, subject: int, state: HandoffState, target: str = "down") -> None:
    row = HandoffRow(
        id=store.new_id(),
        about="job",
        subject=subject,
        source="acme",
        target=target,
        revision=1,
        event="{}",
        state=state.value,
        made_at=NOON,
    )
    await within(store.writing(), handoffs.put, row)


def test_of_each_source(store: Store, clock: Clock, run: Run) -> None:
    """What is judged, settled or not due is not waiting, and nothing of a source is another's."""

    async def flow() -> None:
        for name in ("acme", "idle"):
            await within(store.writing(), sources.enter, name, "phaseo", NOON)
        await a_job(store, "over", settled_at=NOON, due_at=None)
        await a_receipt(store, "over", verdict=Verdict.AGREES)
        clock.now = NOON + MINUTE
        await a_job(store, "first", due_at=NOON + 3 * MINUTE)
        await a_job(store, "second", due_at=NOON + 2 * MINUTE)
        await a_receipt(store, "first")
        clock.now = NOON + 2 * MINUTE
        await a_receipt(store, "second")
        await a_submission(store, NOON - SECOND)
        await a_submission(store, NOON + 9 * MINUTE)
        await a_submission(store, None)

        found = await within(store.reading(), queues.of_sources, NOON + 4 * MINUTE)

        waits = OfSource(
            inbox=2,
            inbox_since=NOON + MINUTE,
            submissions_due=1,
            poll_due_at=NOON + 2 * MINUTE,
            unsettled_since=NOON + MINUTE,
        )
        assert found == {"acme": waits, "idle": OfSource()}

    run(flow())


def test_of_a_target(store: Store, run: Run) -> None:
    """Waiting and dead hand-offs of one target; those that are done are neither."""

    async def flow() -> None:
        states = [HandoffState.WAITING, HandoffState.DONE, HandoffState.DEAD, HandoffState.WAITING, HandoffState.DEAD]
        for number, state in enumerate(states):
            await a_handoff(store, number, state)
        await a_handoff(store, 99, HandoffState.WAITING, "other")

        found = await within(store.reading(), queues.of_target, "down")

        assert found == OfTarget(waiting=2, waiting_since=NOON, dead=2)
        assert await within(store.reading(), queues.of_target, "nobody") == OfTarget()

    run(flow())


def test_counted_no_further_than_a_bound(store: Store, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is longer than the bound counts as long as the bound."""
    monkeypatch.setattr(queues, "MOST", 3)

    async def flow() -> None:
        await within(store.writing(), sources.enter, "acme", "phaseo", NOON)
        for number in range(5):
            await a_receipt(store, f"job_{number}")
            await a_handoff(store, number, HandoffState.WAITING)

        found = await within(store.reading(), queues.of_sources, NOON)
        assert found["acme"].inbox == 3
        assert (await within(store.reading(), queues.of_target, "down")).waiting == 3

    run(flow())
