"""Acts on many jobs at once: those of an explicit scope that are open, in portions, each in a transaction of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import acts
from operators.errors import BadInput, NotPossible
from operators.filters import Asked
from operators.listings import jobs_of
from reconciler.cancelling import ask_to_cancel
from schemas.config import Config
from schemas.ids import shown
from schemas.tables import JobRow
from schemas.words import ActionVerb, AskedBy, Status
from storage.store import Store

PORTION = 100
SCOPES = ("source", "kind", "status", "label", "group", "category", "code", "trouble")


@dataclass(frozen=True, slots=True)
class Scope:
    """Jobs by filters, whose number is not known before they have been gone through."""

    asked: Asked

    def __post_init__(self) -> None:
        if not self.asked.is_filtered:
            raise BadInput(f"name a JOB, or say which: {', '.join(f'--{name}' for name in SCOPES)}")

    async def portion(self, connection: AsyncConnection, after: int | None) -> Sequence[JobRow]:
        """The next of its jobs after one with this id."""
        part = replace(self.asked.part, limit=PORTION, before=after or self.asked.part.before)
        return await jobs_of(connection, replace(self.asked, part=part))


@dataclass(frozen=True, slots=True)
class Done:
    """How many jobs an act was asked for, how many are over or cannot be, and how many there were."""

    asked: int = 0
    spared: int = 0
    refused: int = 0

    @property
    def looked_at(self) -> int:
        return self.asked + self.spared + self.refused


async def count(store: Store, scope: Scope, most: int) -> tuple[int, bool]:
    """How many open jobs a scope has now, counted no further than `most` rows; whether there are more rows."""
    after, found, seen = None, 0, 0
    while seen < most:
        async with store.reading() as connection:
            rows = await scope.portion(connection, after)
        if not rows:
            return found, False
        found += sum(not Status(row.status).is_terminal for row in rows)
        seen, after = seen + len(rows), rows[-1].id
    return found, True


async def act(
    store: Store, config: Config, scope: Scope, verb: ActionVerb, reason: str | None, clock: Callable[[], int]
) -> Done:
    """Ask for the same of every open job of a scope, newest first. What has ended is spared."""
    done, after = Done(), None
    while True:
        async with store.writing() as connection:
            rows = await scope.portion(connection, after)
            for row in rows:
                done = await _one(connection, config, row, verb, reason, store.new_id, clock(), done)
        if len(rows) < PORTION:
            return done
        after = rows[-1].id


async def _one(
    connection: AsyncConnection,
    config: Config,
    job: JobRow,
    verb: ActionVerb,
    reason: str | None,
    new_id: Callable[[], int],
    now: int,
    done: Done,
) -> Done:
    """One of them. What has ended is spared, and a job whose cancellation is under way is not asked for it again."""
    if Status(job.status).is_terminal:
        return replace(done, spared=done.spared + 1)
    name = shown("job", job.id)
    try:
        if verb is ActionVerb.CANCEL:
            asked = await ask_to_cancel(connection, job, AskedBy.OPERATOR, reason, new_id(), now)
            if asked is None:
                return replace(done, spared=done.spared + 1)
        elif verb is ActionVerb.POLL:
            await acts.poll(connection, name, new_id, now)
        else:
            await acts.hold(connection, config, verb, name, reason or "", new_id, now)
    except NotPossible:
        return replace(done, refused=done.refused + 1)
    return replace(done, asked=done.asked + 1)
