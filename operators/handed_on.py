"""What operators ask of hand-offs: which there are, one whole, and to try some again."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.errors import NotPossible, nothing_called
from operators.views import View
from reconciler.events import HANDOFF
from schemas.config import Config
from schemas.ids import parse, shown
from schemas.tables import ActionRow, HandoffRow
from schemas.texts import clean
from schemas.times import rfc3339, rfc3339_or_none
from schemas.words import ActionState, ActionVerb, AskedBy, HandoffState
from storage import actions, counting, failures, handoffs
from storage.standing import Totals
from storage.wake import wake

LONGEST_MESSAGE = 600


async def backlog(connection: AsyncConnection, config: Config, totals: Totals | None = None) -> list[View]:
    """For each target that something waits for: how much, and since when the oldest. `totals`: if they have been read already."""
    known = await counting.totals(connection) if totals is None else totals
    return [
        {
            "target": target,
            "target_configured": target in config.handoffs,
            "waiting": count,
            "oldest_made_at": rfc3339(oldest),
        }
        for target, count, oldest in await handoffs.backlog(connection, known)
    ]


async def show_handoff(connection: AsyncConnection, config: Config, name: str) -> View:
    """One hand-off with its event, as it is sent."""
    row = await _find(connection, name)
    return {**views.handoff(row, row.target in config.handoffs), "event": json.loads(row.event)}


async def replay(
    connection: AsyncConnection,
    config: Config,
    names: Sequence[str],
    new_id: Callable[[], int],
    now: int,
    reason: str | None = None,
) -> list[HandoffRow]:
    """
    Have hand-offs tried again, each under its id, with its attempts counted anew. All of them or none.

    Raises:
        NoSuchThing: there is none of such a name.
        NotPossible: one is waiting already, or its target is configured no more.
    """
    rows = [await _find(connection, name, to_change=True) for name in sorted(set(names))]
    for row in rows:
        if row.state == HandoffState.WAITING:
            due = rfc3339_or_none(row.due_at)
            raise NotPossible(f"{shown(HANDOFF, row.id)} is waiting already; its next attempt is due at {due}")
        refuse_unconfigured(config, row.target)
    for row in rows:
        await _set_back(connection, row, new_id, now, reason)
    await wake(connection)
    return rows


def refuse_unconfigured(config: Config, target: str) -> None:
    if target not in config.handoffs:
        known = ", ".join(sorted(config.handoffs)) or "none"
        raise NotPossible(
            f"the target {clean(target, 63)} is not configured, so nobody would tell it; configured are: {known}. Put "
            f"[handoffs.{clean(target, 63)}] into {config.path}"
        )


async def _find(connection: AsyncConnection, name: str, to_change: bool = False) -> HandoffRow:
    number = parse(name, HANDOFF)
    row = None if number is None else await handoffs.get(connection, number, to_change)
    if row is None:
        raise nothing_called("hand-off", name, "handoffs")
    return row


async def _set_back(
    connection: AsyncConnection, row: HandoffRow, new_id: Callable[[], int], now: int, reason: str | None
) -> None:
    before = f"replayed; it was {row.state} before" + (f": {row.message}" if row.message else "")
    changes: dict[str, Any] = {
        "state": HandoffState.WAITING.value,
        "attempts": 0,
        "due_at": now,
        "done_at": None,
        "message": clean(before, LONGEST_MESSAGE),
    }
    await handoffs.change(connection, row.id, changes, now)
    job = await _job_of(connection, row)
    if job is not None:
        await actions.ask(connection, _action(row, job, new_id(), now, reason))


async def _job_of(connection: AsyncConnection, row: HandoffRow) -> int | None:
    """The job that a hand-off is about; None for a group, which has several."""
    if row.about == "finding":
        failure = await failures.get(connection, row.subject)
        return None if failure is None else failure.job
    return row.subject if row.about == "job" else None


def _action(row: HandoffRow, job: int, number: int, now: int, reason: str | None) -> ActionRow:
    """The record of a replay. Nothing is left to do of it: the hand-off itself waits."""
    return ActionRow(
        id=number,
        job=job,
        source=row.source,
        verb=ActionVerb.REPLAY.value,
        state=ActionState.DONE.value,
        asked_by=AskedBy.OPERATOR.value,
        reason=reason,
        asked_at=now,
        answered_at=now,
        message=f"{shown(HANDOFF, row.id)} to {row.target}",
    )
