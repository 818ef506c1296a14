"""Group tallies: what a group's view tells of its members is what a look at every member would find."""

import random
from typing import Any

import pytest
from sqlalchemy import select
from stored import NOON, Run, within

from operators.errors import BadInput
from operators.fan_out import show_group
from operators.group_sums import sums
from operators.outcomes import of_all
from operators.views import where_is
from operators.work import members_of
from schemas.ids import shown
from schemas.tables import GroupRow, GroupTallyRow, RowMatchRow, SubmissionRow
from schemas.words import Origin, Status, SubmissionState
from storage import group_tallies, groups, jobs, row_matches, submissions
from storage.rows import table
from storage.store import Store

SIZE = 6


async def a_group(store: Store, size: int = SIZE) -> tuple[int, list[int]]:
    """A group whose parts were stored, the last one first."""
    group = store.new_id()
    numbers = [store.new_id() for _ in range(size)]
    async with store.writing() as connection:
        await groups.store(connection, GroupRow(id=group, source="acme", size=size, created_at=NOON))
        for shard, number in zip(range(size, 0, -1), numbers, strict=True):
            row = SubmissionRow(
                id=number, source="acme", group_id=group, shard=shard, state="stored", input_name="rows", input_sha256="",
                input_bytes=1, row_count=shard, created_at=NOON, updated_at=NOON,
            )  # fmt: skip
            await submissions.store(connection, row)
    return group, numbers


async def looked_at(store: Store, group: int) -> dict[str, Any]:
    """The same by a look at every member."""
    async with store.reading() as connection:
        members = await members_of(connection, group)
    matches = [one.match for one in members if one.match is not None]
    told = [one.job for one in members if one.job is not None and one.job.cost_nanos is not None]
    where = [where_is(one) for one in members]
    outcome = of_all(members)
    return {
        "where": {word: where.count(word) for word in sorted(set(where))},
        "done": f"{sum(one.outcome is not None for one in members)} of {SIZE}",
        "outcome": None if outcome is None else outcome.name.lower(),
        "rows": {
            "asked": sum(one.submission.row_count for one in members if one.submission),
            "succeeded": sum(one.succeeded for one in matches),
            "failed": sum(one.failed for one in matches),
            "missing": sum(one.missing or 0 for one in matches),
        },
        "cost": {
            "nanos": {"usd": sum(job.cost_nanos or 0 for job in told)},
            "jobs_told": len(told),
            "jobs_settled": sum(job.cost_state == "settled" for job in told),
        }
        if told
        else None,
    }


async def something(store: Store, group: int, numbers: list[int], chance: random.Random) -> None:
    """One write of those that concern a member, whether it makes sense or not."""
    number = chance.choice(numbers)
    async with store.writing() as connection:
        found = await jobs.of_submissions(connection, [number])
        if not found:
            if chance.random() < 0.5:
                await submissions.change(
                    connection, number, {"state": chance.choice(list(SubmissionState)).value}, NOON
                )
            else:
                identity = ("acme", "batch", f"batch_{number}")
                await jobs.bear(
                    connection, store.new_id(), identity, Origin.SUBMIT, NOON, submission_id=number, group_id=group
                )
            return
        job = found[0].id
        match chance.randrange(6):
            case 0:
                await jobs.change(connection, job, {"status": chance.choice(list(Status)).value}, NOON)
            case 1:
                changes = {"ready_at": chance.choice([None, NOON]), "rows_failed": chance.choice([None, 0, 2])}
                await jobs.change(connection, job, changes, NOON)
            case 2:
                changes = {"cost_nanos": chance.choice([None, 5, 7]), "cost_currency": "usd"}
                await jobs.change(
                    connection, job, {**changes, "cost_state": chance.choice(["estimated", "settled"])}, NOON
                )
            case 3:
                counts = {"succeeded": 3, "failed": chance.randrange(2), "missing": chance.choice([None, 0, 1])}
                await row_matches.keep(connection, RowMatchRow(job=job, revision=1, matched_at=NOON, **counts))
            case 4:
                await jobs.change(connection, job, {"due_at": NOON}, NOON)
            case 5:
                await jobs.change(connection, job, {"submission_id": None, "group_id": None}, NOON)


@pytest.mark.parametrize("seed", range(4))
def test_counted_as_it_is(store: Store, run: Run, seed: int) -> None:
    """Whatever happens to its members in whatever order, the tallies of a group say what there is."""
    chance = random.Random(seed)

    async def flow() -> None:
        group, numbers = await a_group(store)
        for _ in range(40):
            await something(store, group, numbers, chance)
            counted = (await within(store.reading(), group_tallies.of_groups, [group]))[group]
            assert sums(counted, SIZE) == await looked_at(store, group)

    run(flow())


def test_a_job_heard_of_first(store: Store, run: Run) -> None:
    """A job that was known before its submission was answered is counted from then on, and once."""

    async def flow() -> None:
        group, numbers = await a_group(store)
        identity = ("acme", "batch", "batch_1")
        for known in (
            {},
            {"submission_id": numbers[0], "group_id": group},
            {"submission_id": numbers[0], "group_id": group},
        ):
            await within(store.writing(), jobs.bear, store.new_id(), identity, Origin.SUBMIT, NOON, **known)
        counted = (await within(store.reading(), group_tallies.of_groups, [group]))[group]

        assert counted["job.unknown.waits"] == 1
        assert counted["without.stored"] == SIZE - 1

    run(flow())


def test_jobs_without_a_group(store: Store, run: Run) -> None:
    """What is of no group is counted in none."""

    async def flow() -> None:
        born = await within(store.writing(), jobs.bear, store.new_id(), ("acme", "batch", "b"), Origin.TRACK, NOON)
        await within(store.writing(), jobs.change, born.id, {"status": "running"}, NOON)
        async with store.reading() as connection:
            assert not (await connection.execute(select(table(GroupTallyRow)))).all()

    run(flow())


def test_a_page_of_members(store: Store, run: Run) -> None:
    """Members come in the order of their rows, a page at a time, each once; a cursor of another group is refused."""

    async def flow() -> None:
        group, _ = await a_group(store)
        other, (stranger, *_) = await a_group(store)
        parts, cursor = [], None
        async with store.reading() as connection:
            while True:
                page = await show_group(connection, shown("grp", group), 4, cursor)
                assert len(page["members"]) <= 4
                parts += [one["part"] for one in page["members"]]
                cursor = page["next"]
                if cursor is None:
                    break
            whole = await show_group(connection, shown("grp", group))
            with pytest.raises(BadInput):
                await show_group(connection, shown("grp", group), 4, shown("sub", stranger))

        assert parts == list(range(1, SIZE + 1)) == [one["part"] for one in whole["members"]]
        assert whole["next"] is None
        assert other != group

    run(flow())
