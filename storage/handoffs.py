"""Hand-offs: the outbox. A row is put in with what it tells of, and from then on changed under its target's lease; but that it
is withdrawn under its source's lease, and set back by operators."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import FailureRow, HandoffRow
from schemas.words import HandoffState
from storage.counting import count
from storage.listing import Part
from storage.rows import fetch, fetch_one, table, upsert
from storage.standing import Totals, handoffs_now
from storage.wake import wake

HANDOFFS, FAILURES = table(HandoffRow), table(FailureRow)
_JOB = bindparam("job", type_=BigInteger)
# One set of subjects: for either of two conditions PostgreSQL would read the whole table.
_SUBJECTS = union_all(select(_JOB), select(FAILURES.c.id).where(FAILURES.c.job == _JOB))
_OF_JOB = select(HANDOFFS).where(HANDOFFS.c.subject.in_(_SUBJECTS)).order_by(HANDOFFS.c.id).limit(1000)
_IS_WAITING = HANDOFFS.c.state == HandoffState.WAITING.value


async def put(connection: AsyncConnection, row: HandoffRow) -> None:
    """Put one in. What is there already for its subject, target and revision stays as it is."""
    # The conflict's target is named, so that two rows with one id are an error and not taken for one hand-off.
    statement = upsert(connection, HANDOFFS).values(**row.model_dump())
    put_in = statement.on_conflict_do_nothing(index_elements=["subject", "target", "revision"])
    if (await connection.execute(put_in)).rowcount == 1:
        await count(connection, row.source, {_moved(row.target, "new", row.state): 1}, row.made_at)
    await wake(connection)


async def due(
    connection: AsyncConnection, target: str, now: int, limit: int, without: Collection[int]
) -> list[HandoffRow]:
    """Those whose turn it is, by how long they are due."""
    statement = (
        select(HANDOFFS)
        .where(HANDOFFS.c.target == target, HANDOFFS.c.due_at <= now, HANDOFFS.c.id.not_in(list(without)))
        .order_by(HANDOFFS.c.due_at, HANDOFFS.c.id)
        .limit(limit)
    )
    return await fetch(connection, HandoffRow, statement)


async def next_due(connection: AsyncConnection, target: str, after: int) -> int | None:
    """When the next one of a target falls due after a time."""
    later = (HANDOFFS.c.target == target) & (HANDOFFS.c.due_at > after)
    found: int | None = await connection.scalar(select(func.min(HANDOFFS.c.due_at)).where(later))
    return found


async def claim(connection: AsyncConnection, number: int, now: int) -> HandoffRow | None:
    """Begin an attempt, and count it, whatever becomes of us; None when it does not wait any more."""
    begun = update(HANDOFFS).where(HANDOFFS.c.id == number, _IS_WAITING)
    statement = begun.values(attempts=HANDOFFS.c.attempts + 1, tried_at=now).returning(*HANDOFFS.c)
    return await fetch_one(connection, HandoffRow, statement)


async def give_up(connection: AsyncConnection, number: int, changes: Mapping[str, Any], now: int) -> HandoffRow | None:
    """Make one dead, as it is from now on; None when it does not wait any more: whoever withdrew it was first."""
    statement = update(HANDOFFS).where(HANDOFFS.c.id == number, _IS_WAITING).values(**changes).returning(*HANDOFFS.c)
    row = await fetch_one(connection, HandoffRow, statement)
    if row is not None:
        await count(connection, row.source, {_moved(row.target, HandoffState.WAITING.value, row.state): 1}, now)
    return row


async def put_off(connection: AsyncConnection, number: int, until: int) -> None:
    """Try one later, if it still waits."""
    await connection.execute(update(HANDOFFS).where(HANDOFFS.c.id == number, _IS_WAITING).values(due_at=until))


async def get(connection: AsyncConnection, number: int, to_change: bool = False) -> HandoffRow | None:
    """One of them. What is read `to_change` it stays as it is until the transaction ends."""
    statement = select(HANDOFFS).where(HANDOFFS.c.id == number)
    return await fetch_one(connection, HandoffRow, statement.with_for_update() if to_change else statement)


async def change(connection: AsyncConnection, number: int, changes: Mapping[str, Any], now: int) -> None:
    """Change one; what becomes of its state is counted."""
    row = await get(connection, number, to_change=True) if "state" in changes else None
    if row is not None and row.state != changes["state"]:
        await count(connection, row.source, {_moved(row.target, row.state, changes["state"]): 1}, now)
    await connection.execute(update(HANDOFFS).where(HANDOFFS.c.id == number).values(**changes))


async def withdraw(connection: AsyncConnection, subject: int, message: str, now: int) -> None:
    """Withdraw whatever still waits to be told of a subject."""
    withdrawn = {"state": HandoffState.WITHDRAWN.value, "due_at": None, "done_at": now, "message": message}
    # Only what waits is due some day. By its state the store would rather look at everything that waits.
    waiting = (HANDOFFS.c.subject == subject) & HANDOFFS.c.due_at.is_not(None)
    statement = update(HANDOFFS).where(waiting).values(**withdrawn)
    for source, target in (await connection.execute(statement.returning(HANDOFFS.c.source, HANDOFFS.c.target))).all():
        moved = _moved(target, HandoffState.WAITING.value, HandoffState.WITHDRAWN.value)
        await count(connection, source, {moved: 1}, now)


async def targets_of(connection: AsyncConnection, subject: int) -> set[str]:
    """The targets that a subject was handed on to, in any of its revisions."""
    return set(await connection.scalars(select(HANDOFFS.c.target).where(HANDOFFS.c.subject == subject)))


async def of_job(connection: AsyncConnection, job: int) -> list[HandoffRow]:
    """Those about a job or a failure of it, oldest first."""
    return await fetch(connection, HandoffRow, _OF_JOB, job=job)


async def newest(
    connection: AsyncConnection,
    part: Part,
    state: str | None = None,
    target: str | None = None,
    source: str | None = None,
) -> list[HandoffRow]:
    statement = part.of(select(HANDOFFS), HANDOFFS.c.id)
    for column, value in ((HANDOFFS.c.state, state), (HANDOFFS.c.target, target), (HANDOFFS.c.source, source)):
        statement = statement if value is None else statement.where(column == value)
    return await fetch(connection, HandoffRow, statement)


async def backlog(connection: AsyncConnection, totals: Totals) -> Sequence[tuple[str, int, int]]:
    """For each target that something waits for: its name, how much, and since when (microseconds) the oldest."""
    now = handoffs_now(totals)
    waiting = {target: number for (target, state), number in now.items() if state == HandoffState.WAITING}
    oldest = {target: await oldest_waiting(connection, target) for target in sorted(waiting)}
    return [(target, waiting[target], made_at) for target, made_at in oldest.items() if made_at is not None]


async def oldest_waiting(connection: AsyncConnection, target: str) -> int | None:
    """When (microseconds) the oldest that waits for a target was made."""
    waiting = select(HANDOFFS.c.made_at).where(_IS_WAITING, HANDOFFS.c.target == target)
    found: int | None = await connection.scalar(waiting.order_by(HANDOFFS.c.id).limit(1))
    return found


async def dead(connection: AsyncConnection, target: str, limit: int | None) -> list[int]:
    """The ids of dead ones of a target, oldest first."""
    state = (HANDOFFS.c.state == HandoffState.DEAD.value) & (HANDOFFS.c.target == target)
    found = await connection.scalars(select(HANDOFFS.c.id).where(state).order_by(HANDOFFS.c.id).limit(limit))
    return list(found)


def _moved(target: str, before: str, after: str) -> str:
    """The word by which a change of state is counted."""
    return f"handoff.{target}.{before}.{after}"
