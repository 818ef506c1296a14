"""Outputs: the files that ended jobs name, noted once and looked for when due."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from stored import NOON, Run, a_job, within

from schemas.tables import OutputRow
from schemas.times import SECOND
from schemas.words import OutputState
from storage import outputs
from storage.store import Store


async def name(store: Store, job: int, file_id: str = "file_1", **told: Any) -> OutputRow:
    values: dict[str, Any] = {"id": store.new_id(), "role": "output", "named_at": NOON, "due_at": NOON}
    row = OutputRow(job=job, file_id=file_id, **(values | told))
    await within(store.writing(), outputs.name, row)
    return row


async def due(store: Store, limit: int = 10, without: Any = ()) -> list[str]:
    states = (OutputState.NAMED, OutputState.EXISTS)
    found = await within(store.reading(), outputs.due, "acme", NOON, limit, without, states)
    return [row.file_id for row in found]


def test_named_again(store: Store, run: Run) -> None:
    """A file that is noted already stays as it is; another role, file or job is another."""

    async def flow() -> None:
        job, other = await a_job(store, "b1"), await a_job(store, "b2")
        first = await name(store, job.id)
        await within(store.writing(), outputs.change, first.id, {"state": "exists", "due_at": None, "size": 7})
        await name(store, job.id)
        await name(store, job.id, role="error")
        await name(store, job.id, "file_2")
        await name(store, other.id)
        found = await within(store.reading(), outputs.of_job, job.id)

        assert [(row.role, row.file_id) for row in found] == [
            ("output", "file_1"),
            ("error", "file_1"),
            ("output", "file_2"),
        ]
        assert (found[0].id, found[0].state, found[0].size) == (first.id, "exists", 7)

    run(flow())


def test_id_used_twice(store: Store, run: Run) -> None:
    """Two files with one id are an error, and the second is not taken for one that is noted already."""

    async def flow() -> None:
        job = await a_job(store)
        first = await name(store, job.id)
        with pytest.raises(IntegrityError):
            await name(store, job.id, "file_2", id=first.id)

    run(flow())


def test_turns(store: Store, run: Run) -> None:
    """The longest due come first, of one source; what is found or not due yet stays away."""

    async def flow() -> None:
        job, other = await a_job(store, "b1"), await a_job(store, "b1", "other")
        await name(store, other.id, "elsewhere", due_at=NOON - SECOND)
        await name(store, job.id, "late")
        early = await name(store, job.id, "early", due_at=NOON - SECOND)
        await name(store, job.id, "later", due_at=NOON + 1)
        await name(store, job.id, "found", due_at=None)

        assert await due(store) == ["early", "late"]
        assert await due(store, 1) == ["early"]
        assert await due(store, 1, {early.id}) == ["late"]

    run(flow())


def test_next_due(store: Store, run: Run) -> None:
    """The soonest of a source; None when it has none to come."""

    async def flow() -> None:
        job, other = await a_job(store, "b1"), await a_job(store, "b1", "other")
        assert await within(store.reading(), outputs.next_due, "acme") is None
        await name(store, other.id, due_at=NOON - SECOND)
        await name(store, job.id, "found", due_at=None)
        assert await within(store.reading(), outputs.next_due, "acme") is None
        await name(store, job.id, "later", due_at=NOON + SECOND)
        await name(store, job.id, "now", due_at=NOON)
        assert await within(store.reading(), outputs.next_due, "acme") == NOON

    run(flow())
