"""A page and an answer ask as much of the store when there is more in it, and no more than they show."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection
from stored import NOON, Run, a_job, a_receipt, within
from test_listing_plans import config

from operators import filters, listings, queries
from operators.status import status
from schemas.config import Config
from schemas.ids import shown
from schemas.tables import GroupRow
from storage import failures, groups
from storage.failures import Named
from storage.listing import Part
from storage.store import Store

Asks = Callable[[AsyncConnection], Awaitable[Any]]
Asked = Callable[[Asks], list[str]]


@pytest.fixture
def asked(store: Store, run: Run) -> Asked:
    """The statements that a question brings about."""

    async def note(question: Asks) -> list[str]:
        statements: list[str] = []
        async with store.reading() as connection:
            event.listen(connection.sync_connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
            await question(connection)
        return statements

    return lambda question: run(note(question))


def with_sources(count: int) -> Config:
    one = config()
    (source,) = one.sources.values()
    return one.model_copy(
        update={"sources": {f"acme_{n}": source.model_copy(update={"name": f"acme_{n}"}) for n in range(count)}}
    )


def test_sources_are_asked_about_together(store: Store, asked: Asked) -> None:
    """How things stand, and what sources there are, is found out by as many questions for seven sources as for one."""

    def questions(count: int) -> tuple[int, int]:
        chosen, clock = with_sources(count), store.engine.lease_clock(NOON)
        return (
            len(asked(lambda connection: status(connection, store, chosen, NOON))),
            len(asked(lambda connection: queries.list_sources(connection, chosen, NOON, clock))),
        )

    assert questions(7) == questions(1)


def test_failures_without_their_jobs(store: Store, run: Run, asked: Asked) -> None:
    """A listing of failures reads of each job what names it, and nothing else."""

    async def fill() -> None:
        job = await a_job(store)
        named = [Named("execution", "failed", "", "it failed", {})]
        await within(store.writing(), failures.sync, job, named, store.new_id, NOON)

    run(fill())
    (of_jobs,) = [
        text for text in asked(lambda connection: failures.newest(connection, Part(10))) if "FROM jobs" in text
    ]
    assert "jobs.job_id" in of_jobs
    assert "status" not in of_jobs


def test_a_job_page_gathers_once(store: Store, run: Run, asked: Asked) -> None:
    """Everything about a job and its explanation are told of facts that are read once, however many deliveries it has."""

    async def fill(many: int) -> Any:
        for number in range(many):
            await a_receipt(store, key=f"batch.progress:{number}")
        return await a_job(store)

    def questions(many: int) -> list[str]:
        job = run(fill(many))
        clock = store.engine.lease_clock(NOON)
        return asked(lambda connection: queries.account_of(connection, config(), job, NOON, clock))

    few, more = questions(1), questions(9)
    assert len(more) == len(few)
    assert len(set(more)) == len(more)


def test_groups_are_summed_up_together(store: Store, run: Run, asked: Asked) -> None:
    """A listing of groups asks as much for nine as for one, and looks at none of their members."""

    async def fill(many: int) -> None:
        for _ in range(many):
            row = GroupRow(id=store.new_id(), source="acme", size=2, created_at=NOON)
            await within(store.writing(), groups.store, row)

    def questions(many: int) -> list[str]:
        run(fill(many))
        return asked(lambda connection: listings.list_groups(connection, filters.read(filters.GROUPS, {}, NOON)))

    few, more = questions(1), questions(8)
    assert len(more) == len(few)
    assert not [text for text in more if "FROM jobs" in text or "FROM submissions" in text]


def test_jobs_of_a_group_are_read_a_page_at_a_time(store: Store, asked: Asked) -> None:
    """However large a group is, of its jobs a page is read."""
    part = filters.read(filters.JOBS, {"group": [shown("grp", 5)]}, NOON, 10)

    statements = asked(lambda connection: listings.list_jobs(connection, part))

    assert ["LIMIT" in text for text in statements if "FROM jobs" in text] == [True]
