"""What operators can ask for: cancel a job, ask about it now, take one in. Stored here, carried out by the reconciler."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import BadInput, NotPossible
from operators.find import find_job
from schemas.config import Config
from schemas.dialects import DIALECTS
from schemas.identity import is_job_id
from schemas.tables import ActionRow, JobRow
from schemas.words import ActionState, ActionVerb, AskedBy, Origin, Status
from storage import actions, jobs


async def cancel(
    connection: AsyncConnection, name: str, reason: str, new_id: Callable[[], int], now: int
) -> tuple[JobRow, ActionRow]:
    """Ask for a job's cancellation. Whether the provider offered a `cancel_url` at that moment is kept, and prevents nothing.

    Raises:
        NotPossible: the job has ended.
    """
    job = await find_job(connection, name)
    if Status(job.status).is_terminal:
        raise NotPossible(
            f"{job.source}/{job.job_id} has ended already: it is {job.status}, and nothing is left to cancel"
        )
    action = _action(job, ActionVerb.CANCEL, reason, new_id(), now)
    if job.answered_at is not None:
        action.cancel_url_present = int(job.cancel_url is not None)
        action.cancel_url_read_at = job.answered_at
    await actions.ask(connection, action)
    return job, action


async def poll(connection: AsyncConnection, name: str, new_id: Callable[[], int], now: int) -> tuple[JobRow, ActionRow]:
    """Ask for the provider to be asked about a job now, even a settled one."""
    job = await find_job(connection, name)
    action = _action(job, ActionVerb.POLL, None, new_id(), now)
    await actions.ask(connection, action)
    return job, action


async def track(
    connection: AsyncConnection,
    config: Config,
    source: str,
    kind: str,
    job_id: str,
    new_id: Callable[[], int],
    now: int,
) -> JobRow:
    """Take in a job that was made elsewhere. One that is known already stays as it is.

    Raises:
        BadInput: the source's dialect cannot ask about such jobs, or the id cannot be one.
    """
    dialect = DIALECTS[config.sources[source].dialect]
    if kind not in dialect.kinds:
        known = ", ".join(sorted(dialect.kinds))
        raise BadInput(f"{dialect.name} jobs of kind {kind} cannot be asked about; kinds that can: {known}")
    if not is_job_id(job_id):
        raise BadInput("a job id is 1 to 256 printable ASCII characters without blanks, and not a dot or two")
    return await jobs.bear(connection, new_id(), (source, kind, job_id), Origin.TRACK, now)


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
