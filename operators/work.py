"""What a name stands for: a job, a submission or a group; and where each of its members is."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import nothing_called
from operators.find import find_job
from operators.outcomes import Member
from schemas.ids import parse, shown
from schemas.tables import GroupRow, JobRow, SubmissionRow
from storage import groups, jobs, row_matches, submissions


@dataclass(frozen=True, slots=True)
class Work:
    """Members in the order of their rows. A group has as many as it was made with; anything else has one."""

    name: str
    source: str
    group: GroupRow | None
    members: tuple[Member, ...]


async def find_work(connection: AsyncConnection, name: str) -> Work:
    """The job, submission or group of this name.

    Raises:
        NoSuchThing, AmbiguousName.
    """
    group, submission = parse(name, "grp"), parse(name, "sub")
    if group is not None:
        return await of_group(connection, group)
    if submission is not None:
        return await _of_submission(connection, submission)
    job = await find_job(connection, name)
    row = None if job.submission_id is None else await submissions.get(connection, job.submission_id)
    return Work(f"{job.source}/{job.job_id}", job.source, None, (await _member(connection, row, job),))


async def of_group(connection: AsyncConnection, number: int) -> Work:
    row = await groups.get(connection, number)
    if row is None:
        raise nothing_called("group", shown("grp", number), "groups")
    return Work(shown("grp", number), row.source, row, tuple(await members_of(connection, number)))


async def members_of(
    connection: AsyncConnection, group: int, limit: int | None = None, after: int | None = None
) -> list[Member]:
    """The members of a group in the order of their rows: all, or so many after the part with a number."""
    given = await submissions.of_group(connection, group, limit, after)
    found = await jobs.of_submissions(connection, [one.id for one in given])
    made = {job.submission_id: job for job in found}
    matched = await row_matches.of_jobs(connection, [job.id for job in found])
    members = []
    for one in given:
        job = made.get(one.id)
        members.append(Member(one, job, matched.get(job.id) if job else None))
    return members


async def _of_submission(connection: AsyncConnection, number: int) -> Work:
    row = await submissions.get(connection, number)
    if row is None:
        raise nothing_called("submission", shown("sub", number), "submissions")
    found = await jobs.of_submissions(connection, [number])
    member = await _member(connection, row, found[0] if found else None)
    return Work(shown("sub", number), row.source, None, (member,))


async def _member(connection: AsyncConnection, row: SubmissionRow | None, job: JobRow | None) -> Member:
    return Member(row, job, None if job is None else await row_matches.of_job(connection, job.id))
