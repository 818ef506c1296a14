"""An upgrade of a store that has been at work: what is counted from then on begins with what is there."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, insert, select, text
from stored import NOON, Clock, Run
from test_group_tallies import a_group, something

import storage
from schemas.tables import METADATA, GroupTallyRow
from storage import counting, failures, jobs, schema
from storage.failures import Named
from storage.rows import table
from storage.standing import failures_now, jobs_now
from storage.store import Store, engine_for

BEFORE_COUNTING = "0006"


def old_version(connection: Connection) -> None:
    """Make the tables as they were before anything was counted."""
    config = Config()
    config.set_main_option("script_location", str(Path(str(storage.__file__)).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, BEFORE_COUNTING)


def put_in(connection: Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Rows of this version into the tables and columns that the old one has. What was counted stays behind."""
    old = MetaData()
    old.reflect(connection)
    for there in old.sorted_tables:
        names = [column.name for column in there.columns]
        found = [{name: row[name] for name in names} for row in rows.get(there.name, [])]
        if found and there.name != "tallies":
            connection.execute(insert(there), found)


async def all_rows(store: Store) -> dict[str, list[dict[str, Any]]]:
    async with store.reading() as connection:
        return {
            one.name: [dict(row) for row in (await connection.execute(select(one))).mappings()]
            for one in METADATA.sorted_tables
        }


async def counted(store: Store) -> dict[str, Any]:
    """What the counters say that there is."""
    tallies = table(GroupTallyRow)
    async with store.reading() as connection:
        totals = await counting.totals(connection)
        groups = await connection.execute(select(tallies).where(tallies.c.count != 0))
        return {
            "jobs": jobs_now(totals),
            "failures": failures_now(totals),
            "groups": {(row.group_id, row.what): row.count for row in groups},
        }


async def live(store: Store, chance: random.Random) -> None:
    """Something of everything that is counted: members of groups in all states, and failures that hold and that do not."""
    for _ in range(4):
        group, numbers = await a_group(store)
        for _ in range(40):
            await something(store, group, numbers, chance)
    async with store.reading() as connection:
        known = [row.id for row in (await connection.execute(text("SELECT id FROM jobs"))).all()]
    for job in known:
        for codes in (["failed", "rows_failed"], chance.sample(["failed", "rows_failed", "expired"], 2)):
            async with store.writing() as connection:
                row = await jobs.get(connection, job)
                assert row is not None
                found = [Named("execution", code, "", "as it went", {}) for code in codes]
                await failures.sync(connection, row, found, store.new_id, NOON)


@pytest.mark.parametrize("seed", range(3))
def test_counting_begins_with_what_is_there(store: Store, blank: Callable[[], str], run: Run, seed: int) -> None:
    """A store of the version before, with the same rows, is counted in its upgrade as this one was while it lived; jobs, which
    moved here without being counted, as they stand."""

    async def flow() -> None:
        await live(store, random.Random(seed))
        upgraded = Store(engine_for(blank()), Clock())
        try:
            async with upgraded.writing() as connection:
                await connection.run_sync(old_version)
                await connection.run_sync(put_in, await all_rows(store))
            assert await schema.migrate(upgraded)

            found, lived, rows = await counted(upgraded), await counted(store), await all_rows(store)
            assert all(found.values())
            assert (found["groups"], found["failures"]) == (lived["groups"], lived["failures"])
            assert found["jobs"] == Counter((row["source"], row["status"]) for row in rows["jobs"])
        finally:
            await upgraded.close()

    run(flow())
