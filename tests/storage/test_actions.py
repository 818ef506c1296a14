"""Actions: stored by whoever asks, and found when their turn comes."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from stored import NOON, Run, a_job, everything, within

from schemas.tables import ActionRow
from schemas.times import SECOND
from storage import actions, counting
from storage.store import Store


async def ask(store: Store, job: int, **told: Any) -> ActionRow:
    values: dict[str, Any] = {
        "source": "acme",
        "verb": "cancel",
        "asked_by": "operator",
        "asked_at": NOON,
        "due_at": NOON,
    }
    row = ActionRow(id=store.new_id(), job=job, **(values | told))
    await within(store.writing(), actions.ask, row)
    return row


async def due(store: Store, limit: int = 10, without: Any = ()) -> list[int]:
    return [row.id for row in await within(store.reading(), actions.due, "acme", NOON, limit, without)]


def test_turns(store: Store, run: Run) -> None:
    """The oldest come first, of one source; what is over or not due yet stays away, and those in flight hide nobody."""

    async def flow() -> None:
        job = await a_job(store)
        late = await ask(store, job.id)
        early = await ask(store, job.id, due_at=NOON - SECOND)
        same = await ask(store, job.id)
        await ask(store, job.id, due_at=NOON + 1)
        await ask(store, job.id, due_at=None)
        await ask(store, job.id, source="other")

        assert await due(store) == [early.id, late.id, same.id]
        assert await due(store, 1) == [early.id]
        assert await due(store, 1, {early.id, late.id}) == [same.id]

    run(flow())


def test_next_due(store: Store, run: Run) -> None:
    """The soonest of a source; None when it has none to come."""

    async def flow() -> None:
        job = await a_job(store)
        assert await within(store.reading(), actions.next_due, "acme") is None
        over = await ask(store, job.id, due_at=None)
        assert await within(store.reading(), actions.next_due, "acme") is None
        await ask(store, job.id, due_at=NOON + SECOND)
        await ask(store, job.id, due_at=NOON, source="other")
        assert await within(store.reading(), actions.next_due, "acme") == NOON + SECOND
        await within(store.writing(), actions.change, over.id, {"due_at": NOON})
        assert await within(store.reading(), actions.next_due, "acme") == NOON

    run(flow())


def test_of_job(store: Store, run: Run) -> None:
    """The actions of a job in the order in which they were asked, with what became of each."""

    async def flow() -> None:
        job, other = await a_job(store, "b1"), await a_job(store, "b2")
        one, two = await ask(store, job.id), await ask(store, job.id, verb="poll")
        await ask(store, other.id)
        await within(store.writing(), actions.change, one.id, {"state": "refused", "due_at": None})
        found = await within(store.reading(), actions.of_job, job.id)

        assert [(row.id, row.state) for row in found] == [(one.id, "refused"), (two.id, "asked")]

    run(flow())


def test_about_a_job_that_is_there(store: Store, run: Run) -> None:
    """Nothing can be asked about a job that is not there."""

    async def flow() -> None:
        with pytest.raises(IntegrityError):
            await ask(store, 5)

        assert await everything(store, ActionRow) == []

    run(flow())


def test_ended_by_the_end(store: Store, run: Run) -> None:
    """What still waits is ended, of one job and of the verbs named; what was answered, and what others wait for, stays."""

    async def flow() -> None:
        job, other = await a_job(store), await a_job(store, job_id="batch_2")
        waits = await ask(store, job.id, due_at=NOON + SECOND)
        answered = await ask(store, job.id, due_at=None, state="accepted")
        poll = await ask(store, job.id, verb="poll")
        elsewhere = await ask(store, other.id)

        ended = {"state": "moot", "due_at": None}
        async with store.writing() as connection:
            await actions.end(connection, job.id, {"cancel", "pause"}, ended)

        rows = [*await within(store.reading(), actions.of_job, job.id)]
        rows += await within(store.reading(), actions.of_job, other.id)
        assert {row.id: (row.state, row.due_at) for row in rows} == {
            waits.id: ("moot", None),
            answered.id: ("accepted", None),
            poll.id: ("asked", NOON),
            elsewhere.id: ("asked", NOON),
        }

    run(flow())


def test_counted(store: Store, run: Run) -> None:
    """An action counts once in each state that it comes to, with what was known of `cancel_url` when it was asked for."""

    async def flow() -> None:
        job = await a_job(store)
        offered = await ask(store, job.id, cancel_url_present=1)
        await ask(store, job.id, cancel_url_present=0)
        poll = await ask(store, job.id, verb="poll")

        await within(store.writing(), actions.change, offered.id, {"sends": 1})
        await within(store.writing(), actions.change, offered.id, {"state": "accepted", "due_at": None})
        await within(store.writing(), actions.change, poll.id, {"state": "done", "due_at": None})
        await within(store.writing(), actions.end, job.id, {"cancel"}, {"state": "moot", "due_at": None})

        totals = await within(store.reading(), counting.totals)
        assert {what: number for (_, what), number in totals.items() if what.startswith("acted.")} == {
            "acted.cancel.asked.yes": 1,
            "acted.cancel.asked.no": 1,
            "acted.poll.asked.unknown": 1,
            "acted.cancel.accepted.yes": 1,
            "acted.poll.done.unknown": 1,
            "acted.cancel.moot.no": 1,
        }

    run(flow())
