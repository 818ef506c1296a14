"""Group tallies: how many members of a group are where, and what came of them, so that nobody has to look at all of them.

What is counted, each as one word: each member once, as `without.STATE` of its submission while there is no job of it, and as
`job.STATUS.END` of its job; END is `waits` until the job is ready, then `lacks` if some of its rows failed or are missing, else
`whole`. Beside them sums over the members: `rows.asked`, `rows.succeeded`, `rows.failed`, `rows.missing`, and `cost.jobs`,
`cost.settled` and `cost.nanos.CURRENCY` of those jobs of which the provider has told it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import GroupRow, GroupTallyRow, JobRow, RowMatchRow, SubmissionRow
from storage.rows import table, upsert

TALLIES, GROUPS = table(GroupTallyRow), table(GroupRow)
JOBS, SUBMISSIONS, MATCHES = table(JobRow), table(SubmissionRow), table(RowMatchRow)
_PORTION = 500  # a statement takes only so many values

# What of a member's rows its words are made of.
OF_JOB = frozenset({"status", "ready_at", "rows_failed", "cost_nanos", "cost_currency", "cost_state", "submission_id"})
OF_SUBMISSION = frozenset({"state", "row_count"})

_MEMBER = (
    select(
        SUBMISSIONS.c.state, SUBMISSIONS.c.row_count, JOBS.c.status, JOBS.c.ready_at, JOBS.c.rows_failed,
        JOBS.c.cost_nanos, JOBS.c.cost_currency, JOBS.c.cost_state, MATCHES.c.succeeded, MATCHES.c.failed, MATCHES.c.missing,
    )
    .outerjoin(JOBS, JOBS.c.submission_id == SUBMISSIONS.c.id)
    .outerjoin(MATCHES, MATCHES.c.job == JOBS.c.id)
)  # fmt: skip


async def of_groups(connection: AsyncConnection, groups: Collection[int]) -> dict[int, Counter[str]]:
    """What is counted of some groups, by group."""
    found: dict[int, Counter[str]] = {group: Counter() for group in groups}
    wanted = sorted(groups)
    for start in range(0, len(wanted), _PORTION):
        portion = TALLIES.c.group_id.in_(wanted[start : start + _PORTION])
        rows = select(TALLIES.c.group_id, TALLIES.c.what, TALLIES.c.count).where(portion, TALLIES.c.count != 0)
        for group, what, number in await connection.execute(rows):
            found[group][what] = number
    return found


async def begun(connection: AsyncConnection, row: SubmissionRow) -> None:
    """A submission was stored of which there is no job yet."""
    if row.group_id is not None:
        counted = Counter({f"without.{row.state}": 1, "rows.asked": row.row_count})
        await _add(connection, row.group_id, counted)


@asynccontextmanager
async def kept(connection: AsyncConnection, *submissions: int | None) -> AsyncIterator[None]:
    """What is written of some members within the block is counted, if they are members at all. Their groups change for nobody
    else before the transaction has ended."""
    members = await _members(connection, {number for number in submissions if number is not None})
    before = {number: await _words(connection, number) for number in members}
    yield
    for number, group in members.items():
        after = await _words(connection, number)
        after.subtract(before[number])
        await _add(connection, group, after)


async def submission_of(connection: AsyncConnection, job: int) -> int | None:
    """The submission that a job came of, if it is of a group."""
    of_group = (JOBS.c.id == job) & JOBS.c.group_id.is_not(None)
    found: int | None = await connection.scalar(select(JOBS.c.submission_id).where(of_group))
    return found


async def _members(connection: AsyncConnection, submissions: Collection[int]) -> dict[int, int]:
    """The groups of those that have one, by submission. The groups are locked, in the order of their ids."""
    if not submissions:
        return {}
    grouped = SUBMISSIONS.c.id.in_(sorted(submissions)) & SUBMISSIONS.c.group_id.is_not(None)
    rows = await connection.execute(select(SUBMISSIONS.c.id, SUBMISSIONS.c.group_id).where(grouped))
    found = {row.id: row.group_id for row in rows}
    if found:
        theirs = select(GROUPS.c.id).where(GROUPS.c.id.in_(sorted(found.values()))).order_by(GROUPS.c.id)
        await connection.execute(theirs.with_for_update())
    return found


async def _words(connection: AsyncConnection, submission: int) -> Counter[str]:
    statement = _MEMBER.where(SUBMISSIONS.c.id == submission).order_by(JOBS.c.id.desc()).limit(1)
    row = (await connection.execute(statement)).mappings().first()
    return Counter() if row is None else words(row)


def words(row: RowMapping | dict[str, Any]) -> Counter[str]:
    """What one member adds to the tallies of its group."""
    found = Counter({"rows.asked": row["row_count"]})
    if row["status"] is None:
        found[f"without.{row['state']}"] = 1
        return found
    found[f"job.{row['status']}.{_end(row)}"] = 1
    if row["succeeded"] is not None:
        for name in ("succeeded", "failed", "missing"):
            found[f"rows.{name}"] = row[name] or 0
    if row["cost_nanos"] is not None:
        found["cost.jobs"] = 1
        found["cost.settled"] = int(row["cost_state"] == "settled")
        found[f"cost.nanos.{row['cost_currency'] or '?'}"] = row["cost_nanos"]
    return found


def _end(row: RowMapping | dict[str, Any]) -> str:
    """By our own match; where rows are not matched, by the provider's count."""
    if row["ready_at"] is None:
        return "waits"
    lacking = row["rows_failed"] if row["succeeded"] is None else row["failed"] or row["missing"]
    return "lacks" if lacking else "whole"


async def _add(connection: AsyncConnection, group: int, counted: Counter[str]) -> None:
    rows = [{"group_id": group, "what": what, "count": number} for what, number in sorted(counted.items()) if number]
    if not rows:
        return
    statement = upsert(connection, TALLIES).values(rows)
    added = {"count": TALLIES.c.count + statement.excluded["count"]}
    await connection.execute(statement.on_conflict_do_update(index_elements=["group_id", "what"], set_=added))
