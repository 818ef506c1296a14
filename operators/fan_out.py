"""What operators see of submissions and groups, and what they can still do about them."""

import uuid
from collections import Counter
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.errors import NoSuchThing, NotPossible
from operators.outcomes import Member, of_all
from operators.submitting import path_token
from operators.views import View
from operators.work import Work, of_group
from schemas.ids import parse, shown
from schemas.tables import GroupRow, SubmissionRow
from schemas.words import SubmissionState
from storage import groups, labels, submissions
from storage.wake import wake


async def summaries(connection: AsyncConnection, rows: Sequence[GroupRow]) -> list[View]:
    """Groups in short: how many of their jobs are where, and what came of them."""
    return [await _summary(connection, row) for row in rows]


async def show_group(connection: AsyncConnection, name: str) -> View:
    """A group with its members, in the order of their rows. Raises NoSuchThing."""
    number = parse(name, "grp")
    if number is None:
        raise NoSuchThing(f"no group is called {name[:80]}; `batchkeeper groups` lists them")
    work = await of_group(connection, number)
    if work.group is None:
        raise NoSuchThing(f"no group is called {name[:80]}; `batchkeeper groups` lists them")
    return {**await _whole(connection, work.group, work), "members": [views.member(one) for one in work.members]}


async def resubmit(connection: AsyncConnection, name: str, sure: bool, now: int) -> View:
    """Have a submission sent once more of which no job came.

    Raises:
        NoSuchThing, NotPossible: it is not one of those, or it may have made a job and nobody is `sure`.
    """
    number = parse(name, "sub")
    row = None if number is None else await submissions.lock(connection, number)
    if row is None:
        raise NoSuchThing(f"no submission is called {name[:80]}; `batchkeeper submissions` lists them")
    await _may_be_resubmitted(connection, row, sure)
    changes = {
        "state": SubmissionState.STORED.value,
        **dict.fromkeys(
            ("input_file_id", "message", "create_sent_at", "drop_asked_at", "drop_reason", "drop_asked_by")
        ),
        "tries": 0,
        "sent_bytes": 0,
        "due_at": now,
    }
    # What may come of the first order is not to be taken for what comes of the second.
    if row.own_job_id is not None:
        changes["own_job_id"] = str(uuid.uuid4())
    if row.path_token is not None:
        changes["path_token"] = path_token(row.id)
    await submissions.change(connection, row.id, changes, now)
    await wake(connection)
    return views.submission(SubmissionRow(**{**row.model_dump(), **changes}))


async def _may_be_resubmitted(connection: AsyncConnection, row: SubmissionRow, sure: bool) -> None:
    name, state = shown("sub", row.id), SubmissionState(row.state)
    was_dropped_while_looked_for = state is SubmissionState.DROPPED and row.create_sent_at is not None
    if (state is SubmissionState.UNCONFIRMED or was_dropped_while_looked_for) and not sure:
        raise NotPossible(
            f"nobody knows whether {row.source} made a job of {name}; sending it again would make a second one. Look for "
            f"{name} in the metadata of its batches: `batchkeeper track {row.source} JOB_ID` if it is there, "
            f"`batchkeeper resubmit {name} --yes` if it is not"
        )
    if not state.is_over and state is not SubmissionState.UNCONFIRMED:
        raise NotPossible(f"{name} is {state}; only what was refused or dropped, or is unconfirmed, can be sent again")
    if row.staged_as is None:
        raise NotPossible(f"the rows of {name} were not kept; submit their file anew")
    group = None if row.group_id is None else await groups.lock(connection, row.group_id)
    if group is not None and group.completed_at is not None:
        raise NotPossible(f"the group of {name} is complete without it; submit its rows anew, as work of their own")


async def _summary(connection: AsyncConnection, row: GroupRow) -> View:
    return await _whole(connection, row, await of_group(connection, row.id))


async def _whole(connection: AsyncConnection, row: GroupRow, work: Work) -> View:
    outcome = of_all(work.members)
    return {
        **views.group(row),
        "where": dict(Counter(views.where_is(member) for member in work.members)),
        "done": f"{sum(member.outcome is not None for member in work.members)} of {row.size}",
        "outcome": None if outcome is None else outcome.name.lower(),
        "rows": row_sums(work.members),
        "cost": cost(work.members),
        "labels": await labels.of(connection, row.id),
    }


def row_sums(members: Sequence[Member]) -> View:
    """How many rows were asked for, and what became of those that have been matched."""
    matches = [one.match for one in members if one.match is not None]
    return {
        "asked": sum(one.submission.row_count for one in members if one.submission),
        "succeeded": sum(match.succeeded for match in matches),
        "failed": sum(match.failed for match in matches),
        "missing": sum(match.missing or 0 for match in matches),
    }


def cost(members: Sequence[Member]) -> View | None:
    """What all of it costs as far as the provider has told, by currency, in billionths; and of how many jobs that is."""
    told = [one.job for one in members if one.job is not None and one.job.cost_nanos is not None]
    if not told:
        return None
    sums: Counter[str] = Counter()
    for job in told:
        sums[job.cost_currency or "?"] += job.cost_nanos or 0
    settled = sum(job.cost_state == "settled" for job in told)
    return {"nanos": dict(sums), "jobs_told": len(told), "jobs_settled": settled}
