"""What operators see of submissions and groups, and what they can still do about them."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.errors import BadInput, NotPossible, nothing_called
from operators.group_sums import sums
from operators.submitting import path_token
from operators.views import View
from operators.work import members_of
from schemas.ids import parse, shown
from schemas.tables import GroupRow, SubmissionRow
from schemas.words import SubmissionState
from storage import group_tallies, groups, labels, submissions
from storage.wake import wake


async def summaries(connection: AsyncConnection, rows: Sequence[GroupRow]) -> list[View]:
    """Groups in short: how many of their jobs are where, and what came of them."""
    numbers = [row.id for row in rows]
    counted = await group_tallies.of_groups(connection, numbers)
    given = await labels.by_subject(connection, numbers)
    return [{**views.group(row), **sums(counted[row.id], row.size), "labels": given.get(row.id, {})} for row in rows]


async def show_group(
    connection: AsyncConnection, name: str, limit: int | None = None, after: str | None = None
) -> View:
    """
    A group with its members, in the order of their rows: so many of them, those after the submission `after`. `next` is what to
    give as `after` for more; None: these are the last.

    Raises:
        NoSuchThing: there is no such group.
        BadInput: `after` is none of its submissions.
    """
    number = parse(name, "grp")
    row = None if number is None else await groups.get(connection, number)
    if row is None:
        raise nothing_called("group", name, "groups")
    last = None if after is None else await _part(connection, row, after)
    found = await members_of(connection, row.id, None if limit is None else limit + 1, last)
    members, is_cut = found[:limit], limit is not None and len(found) > limit
    (summary,) = await summaries(connection, [row])
    return {
        **summary,
        "members": [views.member(one) for one in members],
        "next": shown("sub", members[-1].submission.id) if is_cut and members[-1].submission else None,
    }


async def _part(connection: AsyncConnection, group: GroupRow, name: str) -> int:
    """Which part of a group a submission is."""
    number = parse(name, "sub")
    row = None if number is None else await submissions.get(connection, number)
    if row is None or row.group_id != group.id:
        raise BadInput("cursor is what an earlier answer about this group gave as next")
    return row.shard


async def resubmit(connection: AsyncConnection, name: str, sure: bool, now: int) -> View:
    """Have a submission sent once more of which no job came.

    Raises:
        NoSuchThing, NotPossible: it is not one of those, or it may have made a job and nobody is `sure`.
    """
    number = parse(name, "sub")
    row = None if number is None else await submissions.lock(connection, number)
    if row is None:
        raise nothing_called("submission", name, "submissions")
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
