"""What operators can ask for: cancel a job, ask about it now, take one in. Stored here, carried out by the reconciler."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.errors import BadInput, NotPossible, nothing_called
from operators.find import find_job
from operators.outcomes import Member
from operators.views import View
from operators.work import Work, find_work, of_group
from reconciler.cancelling import ask_to_cancel, cancel_of, under_way
from schemas.config import Config
from schemas.dialects import dialect_of
from schemas.identity import is_job_id
from schemas.ids import parse, shown
from schemas.tables import ActionRow, JobRow
from schemas.times import SECOND
from schemas.words import ActionState, ActionVerb, AskedBy, Origin, Status
from storage import actions, jobs, submissions

LONGEST_REASON = 500


def check_reason(reason: str, name: str) -> None:
    """Raise BadInput for a reason that nobody could read later. `name` is how the face calls it."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise BadInput(f"{name} takes 1 to {LONGEST_REASON} characters; whoever looks at the job later wants to know")
    if not reason.isprintable():
        raise BadInput(f"{name} is one line of printable characters")


async def cancel(
    connection: AsyncConnection, name: str, reason: str, new_id: Callable[[], int], now: int
) -> tuple[JobRow, ActionRow]:
    """Ask for a job's cancellation, unless it is under way: then what comes back is that. Whether the provider offered a
    `cancel_url` at that moment is kept, and prevents nothing.

    Raises:
        NotPossible: the job has ended.
    """
    job = await find_job(connection, name)
    if Status(job.status).is_terminal:
        raise NotPossible(
            f"{job.source}/{job.job_id} has ended already: it is {job.status}, and nothing is left to cancel"
        )
    asked = await under_way(connection, job)
    if asked is not None:
        return job, asked
    action = cancel_of(job, AskedBy.OPERATOR, reason, new_id(), now)
    await actions.ask(connection, action)
    return job, action


@dataclass(frozen=True, slots=True)
class GroupCancelled:
    """What becomes of each member: `dropped` before its create was sent, `cancelled` while it runs, `spared` since it is over."""

    dropped: tuple[Member, ...]
    cancelled: tuple[Member, ...]
    spared: tuple[Member, ...]

    @property
    def sorts(self) -> dict[str, tuple[Member, ...]]:
        return {"dropped": self.dropped, "cancelled": self.cancelled, "spared": self.spared}


def group_cancelled(group: Work, done: GroupCancelled) -> View:
    """What becomes of each part of a group."""
    return {
        "group": group.name,
        **{sort: [views.member(one) for one in members] for sort, members in done.sorts.items()},
    }


async def cancel_group(
    connection: AsyncConnection, name: str, reason: str, new_id: Callable[[], int], now: int
) -> tuple[Work, GroupCancelled]:
    """Have the parts dropped that have not been sent, and the running jobs cancelled. What has ended is left as it is.

    Raises:
        NoSuchThing: no group is called that.
        NotPossible: every part is over.
    """
    number = parse(name, "grp")
    if number is None:
        raise nothing_called("group", name, "groups")
    # First: whatever becomes a job after this is seen to by the reconciler, and what was one before is seen here.
    dropped = set(await submissions.ask_to_drop(connection, number, reason, AskedBy.OPERATOR.value, now))
    work = await of_group(connection, number)
    sorts: dict[str, list[Member]] = {"dropped": [], "cancelled": [], "spared": []}
    for member in work.members:
        if member.job is None:
            is_dropped = member.submission is not None and member.submission.id in dropped
            sorts["dropped" if is_dropped else "spared"].append(member)
        elif Status(member.job.status).is_terminal:
            sorts["spared"].append(member)
        else:
            await ask_to_cancel(connection, member.job, AskedBy.OPERATOR, reason, new_id(), now)
            sorts["cancelled"].append(member)
    if not sorts["dropped"] and not sorts["cancelled"]:
        raise NotPossible(f"every part of {work.name} is over; nothing is left to cancel")
    return work, GroupCancelled(**{sort: tuple(members) for sort, members in sorts.items()})


async def drop(connection: AsyncConnection, name: str, reason: str, now: int) -> Work:
    """Have a submission dropped of which no job has come.

    Raises:
        NoSuchThing; NotPossible: it is over, or has become a job, which can be cancelled.
    """
    work = await find_work(connection, name)
    number = parse(name, "sub")
    if number is None or not await submissions.ask_to_drop_one(connection, number, reason, AskedBy.OPERATOR.value, now):
        job = work.members[0].job
        if job is None:
            raise NotPossible(f"{work.name} cannot be dropped: it is over")
        became = f"it has become {job.source}/{job.job_id} ({shown('job', job.id)}), which can be cancelled"
        raise NotPossible(
            f"{work.name} cannot be dropped: {became}", typed=f"`batchkeeper cancel {shown('job', job.id)}` does it"
        )
    return work


async def hold(
    connection: AsyncConnection,
    config: Config,
    verb: ActionVerb,
    name: str,
    reason: str,
    new_id: Callable[[], int],
    now: int,
) -> tuple[JobRow, ActionRow]:
    """Ask for a job to be paused or resumed. What becomes of it is told by the job's own status.

    Raises:
        NotPossible: the job has ended, its source is configured no more, or its provider has nothing of the kind.
    """
    job = await find_job(connection, name)
    if Status(job.status).is_terminal:
        raise NotPossible(f"{job.source}/{job.job_id} has ended already: it is {job.status}")
    source = config.sources.get(job.source)
    if source is None:
        raise NotPossible(f"{job.source} is not configured any more, so nobody can be asked to {verb} its jobs")
    dialect = dialect_of(source)
    if job.kind not in dialect.kinds or dialect.act(source.base_url, verb, job.kind, job.job_id, None) is None:
        raise NotPossible(f"{dialect.name} cannot {verb} jobs; to cancel them is what there is")
    action = _action(job, verb, reason, new_id(), now)
    await actions.ask(connection, action)
    return job, action


async def poll(
    connection: AsyncConnection, name: str, new_id: Callable[[], int], now: int, reason: str | None = None
) -> tuple[JobRow, ActionRow]:
    """Ask for the provider to be asked about a job now, even a settled one."""
    job = await find_job(connection, name)
    action = _action(job, ActionVerb.POLL, reason, new_id(), now)
    await actions.ask(connection, action)
    return job, action


async def track(
    connection: AsyncConnection,
    config: Config,
    source: str,
    kind: str | None,
    job_id: str,
    new_id: Callable[[], int],
    now: int,
) -> JobRow:
    """Take in a job that was made elsewhere. One that is known already stays as it is. `kind`: None for the source's only
    one, or a batch.

    Raises:
        BadInput: the source's dialect cannot ask about such jobs, or the id cannot be one.
    """
    dialect = dialect_of(config.sources[source])
    if kind is None:
        kind = next(iter(dialect.kinds)) if len(dialect.kinds) == 1 else "batch"
    if kind not in dialect.kinds:
        known = ", ".join(sorted(dialect.kinds))
        raise BadInput(f"{dialect.name} jobs of kind {kind} cannot be asked about; kinds that can: {known}")
    if not is_job_id(job_id):
        raise BadInput("a job id is 1 to 256 printable ASCII characters without blanks, and not a dot or two")
    seconds = config.sources[source].cancel_after_seconds
    cancel_at = None if seconds is None else now + int(seconds * SECOND)
    identity = (source, kind, job_id)
    return await jobs.bear(connection, new_id(), identity, Origin.TRACK, now, hands_on=True, cancel_at=cancel_at)


def _action(job: JobRow, verb: ActionVerb, reason: str | None, number: int, now: int) -> ActionRow:
    return ActionRow(
        id=number,
        job=job.id,
        source=job.source,
        verb=verb.value,
        state=ActionState.ASKED.value,
        asked_by=AskedBy.OPERATOR.value,
        reason=reason,
        asked_at=now,
        due_at=now,
    )
