"""From a submission to its job: the one place where the two are joined, whoever heard of the job first."""

from hmac import compare_digest

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.cancelling import ask_to_cancel
from reconciler.news import News, about
from reconciler.owned import Owned
from schemas.ids import parse, shown
from schemas.readings import Observation
from schemas.tables import DeliveryRow, JobRow, SubmissionRow
from schemas.times import SECOND
from schemas.words import AskedBy, Origin, SubmissionState
from storage import jobs, labels, submissions

# What may have made a job that nobody has told us about. A refused one may have: the gateway keeps what its provider refused.
_MAY_HAVE_MADE = frozenset(SubmissionState) - {SubmissionState.STORED, SubmissionState.CREATED}


async def made(
    connection: AsyncConnection, owned: Owned, number: int, kind: str, job_id: str, origin: Origin, now: int
) -> JobRow:
    """Take in the job of a submission. Once more changes nothing."""
    row = await submissions.lock(connection, number)
    if row is None:
        raise LookupError(f"submission {shown('sub', number)} is not there")
    found = {"state": SubmissionState.CREATED.value, "job_id": job_id, "message": None, "due_at": None}
    await submissions.change(connection, number, found, now)
    job = await jobs.bear(
        connection,
        owned.store.new_id(),
        (owned.source.name, kind, job_id),
        origin,
        now,
        has_webhook=owned.source.webhook != "none",
        hands_on=True,
        cancel_at=_cancel_at(owned, row, now),
        submission_id=number,
        group_id=row.group_id,
    )
    owned.news.append(News("submission_moved", {**about(job), **moved(row, SubmissionState.CREATED)}))
    await labels.copy(connection, number, job.id)
    if row.drop_asked_at is not None:
        asked_by = AskedBy(row.drop_asked_by or AskedBy.OPERATOR)
        await ask_to_cancel(connection, job, asked_by, row.drop_reason, owned.store.new_id(), now)
    return job


def moved(row: SubmissionRow, to: SubmissionState, message: str | None = None) -> dict[str, str | None]:
    """How the log tells that a submission comes to another state."""
    return {"submission": shown("sub", row.id), "from_state": row.state, "to_state": to.value, "message": message}


async def join(connection: AsyncConnection, owned: Owned, job: JobRow, said: Observation, now: int) -> None:
    """Join a job with the submission that it comes from, by what the provider shows of it, and confirm that by our token."""
    token = parse(said.submission or "", "sub")
    if job.submission_id is None:
        row = await _maker(connection, owned, job, said, token)
        if row is None:
            return
        await made(connection, owned, row.id, job.kind, job.job_id, Origin(job.origin), now)
    elif token is not None and token != job.submission_id:
        await _part(connection, owned, job, now)
        return
    if token is not None:
        await submissions.confirm(connection, token, now)


async def join_by_path(
    connection: AsyncConnection, owned: Owned, job: JobRow | None, delivery: DeliveryRow, token: str, now: int
) -> JobRow | None:
    """Take in the job of a delivery whose path names the submission that it comes from. A token of nobody changes nothing, and
    neither does one that came to another job before."""
    number = parse(token.partition(".")[0], "sub")
    row = None if number is None else await submissions.lock(connection, number)
    if row is None or row.source != owned.source.name or row.state not in _MAY_HAVE_MADE:
        return job
    if row.path_token is None or not compare_digest(row.path_token, token) or row.job_id not in (None, delivery.job_id):
        return job
    if job is not None and job.submission_id is not None:
        return job
    return await made(connection, owned, row.id, delivery.kind, delivery.job_id, Origin.DELIVERY, now)


async def _maker(
    connection: AsyncConnection, owned: Owned, job: JobRow, said: Observation, token: int | None
) -> SubmissionRow | None:
    """A token decides. Without one it is the input file, which that submission alone has uploaded."""
    files = {said.input_file_id} if said.input_file_id and token is None else set()
    if not files and token is None:
        return None
    found = await submissions.that_may_have_made(connection, owned.source.name, files, {token} if token else set())
    free = [row for row in found if row.job_id in (None, job.job_id) and row.state in _MAY_HAVE_MADE]
    return free[0] if len(free) == 1 else None


async def _part(connection: AsyncConnection, owned: Owned, job: JobRow, now: int) -> None:
    """The job's own metadata names another submission than the one that its input file made us think of."""
    row = None if job.submission_id is None else await submissions.lock(connection, job.submission_id)
    if row is None or row.confirmed_at is not None:
        return
    message = f"{job.job_id} was taken for its job, and names another submission; the provider's list is looked through"
    again = {"state": SubmissionState.UNCLEAR.value, "job_id": None, "message": message, "tries": 0, "due_at": now}
    await submissions.change(connection, row.id, again, now)
    await jobs.change(connection, job.id, {"submission_id": None, "group_id": None}, now)


def _cancel_at(owned: Owned, row: SubmissionRow, now: int) -> int | None:
    if row.cancel_after is not None:
        return now + row.cancel_after
    seconds = owned.source.cancel_after_seconds
    return None if seconds is None else now + int(seconds * SECOND)
