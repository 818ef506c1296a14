"""What happens, as it happens: deliveries, refusals, moves, failures, findings about sources, actions, reverifications and
hand-offs in the order in which they were stored.

An id tells when its row was made, and a row may be committed a moment after one that was made later. So whoever follows looks
back a little each time, and passes over what they have seen.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from operators.views import View
from schemas.ids import first_at, shown, span
from schemas.tables import (
    ActionRow,
    DeliveryRow,
    FailureRow,
    FindingChangeRow,
    FindingRow,
    HandoffRow,
    JobRow,
    ReceiptRow,
    RefusalRow,
    ReverificationRow,
    TransitionRow,
)
from schemas.times import SECOND, rfc3339
from storage.rows import table
from storage.store import Store

LATEST_COMMIT = 5 * SECOND  # longer than a commit is waited for
LOOK_SECONDS = 0.5
MOST = 500

RECEIPTS, DELIVERIES, REFUSALS = table(ReceiptRow), table(DeliveryRow), table(RefusalRow)
TRANSITIONS, JOBS, FAILURES = table(TransitionRow), table(JobRow), table(FailureRow)
ACTIONS, HANDOFFS, REVERIFICATIONS = table(ActionRow), table(HandoffRow), table(ReverificationRow)

CHANGES, FINDINGS = table(FindingChangeRow), table(FindingRow)

OF_JOB = (JOBS.c.source, JOBS.c.kind, JOBS.c.job_id)
STATEMENTS: Mapping[str, Any] = {
    "delivery": select(
        RECEIPTS.c.id, func.coalesce(RECEIPTS.c.taken_in_at, RECEIPTS.c.received_at).label("at"),
        DELIVERIES.c.source, DELIVERIES.c.kind, DELIVERIES.c.job_id,
        DELIVERIES.c.delivery_key, RECEIPTS.c.reported_status, RECEIPTS.c.attempt, RECEIPTS.c.unreadable,
        # Of one that reverify took in, when it had come.
        case((RECEIPTS.c.taken_in_at.is_not(None), RECEIPTS.c.received_at)).label("refused_at"),
    ).join(DELIVERIES, DELIVERIES.c.id == RECEIPTS.c.delivery_id),
    "refusal": select(
        REFUSALS.c.id, REFUSALS.c.received_at.label("at"), REFUSALS.c.source, REFUSALS.c.reason,
        REFUSALS.c.http_status, REFUSALS.c.remote,
    ),
    "move": select(
        TRANSITIONS.c.id, TRANSITIONS.c.at, *OF_JOB, TRANSITIONS.c.from_status, TRANSITIONS.c.to_status,
        TRANSITIONS.c.basis, TRANSITIONS.c.revision,
    ).join(JOBS, JOBS.c.id == TRANSITIONS.c.job),
    "failure": select(
        FAILURES.c.id, FAILURES.c.detected_at.label("at"), *OF_JOB, FAILURES.c.category, FAILURES.c.code,
        FAILURES.c.message,
    ).join(JOBS, JOBS.c.id == FAILURES.c.job),
    "action": select(
        ACTIONS.c.id, ACTIONS.c.asked_at.label("at"), *OF_JOB, ACTIONS.c.verb, ACTIONS.c.asked_by, ACTIONS.c.reason,
    ).join(JOBS, JOBS.c.id == ACTIONS.c.job),
    "finding": select(
        CHANGES.c.id, CHANGES.c.at, FINDINGS.c.source, FINDINGS.c.rule, CHANGES.c.state, CHANGES.c.message,
    ).join(FINDINGS, FINDINGS.c.id == CHANGES.c.finding),
    "reverify": select(
        REVERIFICATIONS.c.id, REVERIFICATIONS.c.asked_at.label("at"), REVERIFICATIONS.c.source,
        REVERIFICATIONS.c.face, REVERIFICATIONS.c.reason,
        # While they are at it, the number would be one that nothing has.
        case((REVERIFICATIONS.c.ended_at.is_not(None), REVERIFICATIONS.c.taken_in)).label("taken_in"),
    ),
    "handoff": select(
        HANDOFFS.c.id, HANDOFFS.c.made_at.label("at"), HANDOFFS.c.source, HANDOFFS.c.target, HANDOFFS.c.about,
        HANDOFFS.c.event,
    ),
}  # fmt: skip
PREFIXES = {
    "delivery": "rcp",
    "refusal": "ref",
    "failure": "fail",
    "action": "act",
    "handoff": "hnd",
    "move": "mov",
    "reverify": "rvf",
    "finding": "fch",
}
_EVERY = frozenset({"id", "at", "source", "kind", "job_id", "event"})


class Follower:
    """Stands at a time (microseconds), and goes on from there with each look. `source`: only what is about it."""

    def __init__(self, at: int, source: str | None = None) -> None:
        self._begun = self._after = self._newest = first_at(at)
        self._seen: set[int] = set()
        self._source = source

    async def look(self, connection: AsyncConnection) -> tuple[list[View], bool]:
        """Some of what has been stored since, oldest first, and whether there is more of it already."""
        pages = {what: await self._page(connection, what) for what in STATEMENTS}
        ends = [rows[-1]["id"] for rows in pages.values() if len(rows) == MOST]
        until = min(ends, default=None)  # beyond it, not every sort has been read
        found = {
            row["id"]: happening(what, row)
            for what, rows in pages.items()
            for row in rows
            if row["id"] not in self._seen and (until is None or row["id"] <= until)
        }
        self._stand(found.keys(), until)
        shown_now = [found[number] for number in sorted(found)]
        return [view for view in shown_now if self._source in (None, view["source"])], until is not None

    def _stand(self, found: Collection[int], until: int | None) -> None:
        """After the last one; and back again as far as somebody may still be committing, once there is no more."""
        self._newest = max([self._newest, *found])
        back = self._newest - span(LATEST_COMMIT)
        self._seen = {number for number in self._seen | set(found) if number > back}
        self._after = until if until is not None else max(back, self._begun)

    async def _page(self, connection: AsyncConnection, what: str) -> Sequence[RowMapping]:
        statement = STATEMENTS[what]
        ids = statement.selected_columns[0]
        newer = statement.where(ids > self._after).order_by(ids).limit(MOST)
        return (await connection.execute(newer)).mappings().all()


async def follow(store: Store, follower: Follower, for_ever: bool) -> AsyncIterator[View]:
    """What happens from where the follower stands; for ever, or until there is no more."""
    while True:
        async with store.reading() as connection:
            found, is_more = await follower.look(connection)
        for view in found:
            yield view
        if not is_more:
            if not for_ever:
                return
            await asyncio.sleep(LOOK_SECONDS)


def happening(what: str, row: RowMapping) -> View:
    """One thing that happened. `about` holds what only this sort has to say."""
    about = {name: value for name, value in row.items() if name not in _EVERY and value is not None}
    if "refused_at" in about:
        about |= {"refused_at": rfc3339(about["refused_at"]), "by": "reverify"}
    event = json.loads(row["event"]) if "event" in row else {}
    return {
        "at": rfc3339(row["at"]),
        "what": what,
        "id": shown(PREFIXES[what], row["id"]),
        "source": row["source"],
        "kind": row.get("kind"),
        "job_id": row.get("job_id", event.get("subject")),
        "about": about,
    }
