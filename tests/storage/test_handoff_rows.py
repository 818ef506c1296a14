"""The outbox: one row for a subject, target and revision; who is due, what is claimed, withdrawn, listed and pruned."""

import asyncio
from typing import Any

from stored import NOON, Another, Clock, Run, a_job, everything, within

from schemas.tables import FailureRow, HandoffRow, JobRow, LabelRow
from schemas.times import DAY, SECOND
from storage import handoffs, labels, retention
from storage.counting import totals
from storage.listing import Part
from storage.rows import add
from storage.standing import handoffs_now
from storage.store import Store


def a_row(store: Store, **columns: Any) -> HandoffRow:
    number = store.new_id()
    given = {
        "id": number,
        "about": "job",
        "subject": number,
        "source": "acme",
        "target": "down",
        "revision": 1,
        "event": f'{{"id":{number}}}',
        "due_at": NOON,
        "made_at": NOON,
        "state": "waiting",
        "attempts": 0,
    }
    return HandoffRow(**{**given, **columns})


async def put(store: Store, **columns: Any) -> HandoffRow:
    row = a_row(store, **columns)
    await within(store.writing(), handoffs.put, row)
    return row


async def all_of(store: Store) -> list[HandoffRow]:
    return list(await everything(store, HandoffRow))


def test_one_for_each_subject_target_and_revision(store: Store, run: Run) -> None:
    """What is there stays as it is, whatever is put in beside it; another target, revision or subject is another row."""

    async def flow() -> None:
        first = await put(store, subject=1)
        await put(store, subject=1, event="other")
        others = [await put(store, subject=1, target="b"), await put(store, subject=1, revision=2), await put(store)]

        assert [(row.id, row.event) for row in await all_of(store)] == [(row.id, row.event) for row in (first, *others)]

    run(flow())


def test_put_by_many_at_once(another: Another, run: Run) -> None:
    """Of many who put in the same at once one does, and all go on."""
    stores = [another() for _ in range(4)]

    async def flow() -> None:
        await asyncio.gather(*(put(store, subject=1) for store in stores for _ in range(5)))

        assert len(await all_of(stores[0])) == 1

    run(flow())


def test_due(store: Store, run: Run) -> None:
    """Those of one target whose turn it is, the longest due first; not those that are under way."""

    async def flow() -> None:
        late = await put(store, due_at=NOON - SECOND)
        now, later = await put(store), await put(store, due_at=NOON + SECOND)
        await put(store, due_at=None, state="done")
        await put(store, target="other")

        async def due(limit: int = 10, without: tuple[int, ...] = ()) -> list[int]:
            rows = await within(store.reading(), handoffs.due, "down", NOON, limit, without)
            return [row.id for row in rows]

        assert await due() == [late.id, now.id]
        assert await due(limit=1) == [late.id]
        assert await due(without=(late.id,)) == [now.id]
        assert await within(store.reading(), handoffs.next_due, "down", NOON) == later.due_at
        assert await within(store.reading(), handoffs.next_due, "none", NOON) is None

    run(flow())


def test_claim(store: Store, run: Run) -> None:
    """A claim counts the attempt; what does not wait any more cannot be claimed."""

    async def flow() -> None:
        row = await put(store)
        for attempt in (1, 2):
            claimed = await within(store.writing(), handoffs.claim, row.id, NOON + attempt)
            assert claimed is not None
            assert (claimed.attempts, claimed.tried_at, claimed.event) == (attempt, NOON + attempt, row.event)
        for state in ("done", "dead", "withdrawn"):
            await within(store.writing(), handoffs.change, row.id, {"state": state}, NOON)
            assert await within(store.writing(), handoffs.claim, row.id, NOON + 3) is None
        [kept] = await all_of(store)
        assert (kept.attempts, kept.tried_at) == (2, NOON + 2)

    run(flow())


def test_withdraw(store: Store, run: Run) -> None:
    """Whatever waits of a subject is withdrawn, for every target; what was told, is dead, or is of another stays."""

    async def flow() -> None:
        waiting = [await put(store, subject=1, target=name) for name in ("a", "b")]
        await put(store, subject=1, target="c", state="done", due_at=None)
        await put(store, subject=1, target="d", state="dead", due_at=None)
        await put(store, subject=2)
        await within(store.writing(), handoffs.withdraw, 1, "no more", NOON + 1)
        rows = await all_of(store)

        assert [row.state for row in rows] == ["withdrawn", "withdrawn", "done", "dead", "waiting"]
        gone = [(row.due_at, row.done_at, row.message) for row in rows if row.id in {one.id for one in waiting}]
        assert gone == [(None, NOON + 1, "no more")] * 2

    run(flow())


def test_listings(store: Store, run: Run) -> None:
    """The newest first, by state and target; a job's own, and those of its failures; what waits for whom since when."""

    async def flow() -> None:
        job: JobRow = await a_job(store)
        failure = FailureRow(id=store.new_id(), job=job.id, category="c", code="c", message="", detected_at=NOON)
        await within(store.writing(), add, failure)
        own = await put(store, subject=job.id)
        found = await put(store, subject=failure.id, about="finding", made_at=NOON + 5)
        dead = [await put(store, target="b", state="dead", due_at=None) for _ in range(3)]

        async def newest(*arguments: Any) -> list[int]:
            return [row.id for row in await within(store.reading(), handoffs.newest, *arguments)]

        assert await newest(Part(2)) == [dead[2].id, dead[1].id]
        assert await newest(Part(), "waiting") == [found.id, own.id]
        assert await newest(Part(), "waiting", "b") == []
        assert await newest(Part(1), None, "down") == [found.id]
        of_job = await within(store.reading(), handoffs.of_job, job.id)
        assert [row.id for row in of_job] == [own.id, found.id]
        known = await within(store.reading(), totals)
        assert await within(store.reading(), handoffs.backlog, known) == [("down", 2, NOON)]
        assert await within(store.reading(), handoffs.dead, "b", 2) == [dead[0].id, dead[1].id]
        assert await within(store.reading(), handoffs.dead, "down", 2) == []

    run(flow())


def test_labels(store: Store, run: Run) -> None:
    """The labels of a group and of its job together, the job's own above the group's."""

    async def flow() -> None:
        for subject, key, value in [(1, "team", "search"), (1, "run", "1"), (2, "run", "2"), (3, "team", "other")]:
            await within(store.writing(), add, LabelRow(subject=subject, key=key, value=value))

        assert await within(store.reading(), labels.of_subjects, [1, 2]) == {"team": "search", "run": "2"}
        assert await within(store.reading(), labels.of_subjects, [2, 1]) == {"team": "search", "run": "1"}
        assert await within(store.reading(), labels.of_subjects, [9]) == {}

    run(flow())


def test_threat_76_what_waits_or_is_dead_is_not_pruned(store: Store, run: Run, clock: Clock) -> None:
    """What was done or withdrawn before the time goes; what waits or is dead stays, however old, and so does what is young."""
    old, young = NOON - 2 * DAY, NOON

    async def flow() -> None:
        clock.now = old
        for state in ("done", "withdrawn"):
            await put(store, state=state, due_at=None, done_at=old)
            await put(store, state=state, due_at=None, done_at=young)
        await put(store)
        await put(store, state="dead", due_at=None)

        assert await within(store.writing(), retention.handoffs, NOON - DAY, 1) == 1
        assert await within(store.writing(), retention.handoffs, NOON - DAY, 10) == 1
        assert await within(store.writing(), retention.handoffs, NOON - DAY, 10) == 0
        kept = [(row.state, row.done_at) for row in await all_of(store)]
        assert kept == [("done", young), ("withdrawn", young), ("waiting", None), ("dead", None)]

    run(flow())


def test_they_are_counted(store: Store, run: Run) -> None:
    """How many of a target are in which state is told by what was counted, whatever became of them and however often."""

    async def flow() -> None:
        one = await put(store, subject=1)
        await put(store, subject=1)
        other, third = await put(store), await put(store, target="b", subject=3)
        for changes in ({"state": "dead"}, {"state": "waiting", "attempts": 0}, {"attempts": 1}, {"state": "done"}):
            await within(store.writing(), handoffs.change, one.id, changes, NOON)
        await within(store.writing(), handoffs.change, other.id, {"state": "dead"}, NOON)
        await within(store.writing(), handoffs.withdraw, third.subject, "no more", NOON)
        counted = handoffs_now(await within(store.reading(), totals))

        assert counted == {("down", "done"): 1, ("down", "dead"): 1, ("b", "withdrawn"): 1}

    run(flow())
