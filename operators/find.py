"""Finding a job by what a person types: our id, SOURCE/JOB_ID, or a provider's id that only one job has."""

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import AmbiguousName, NoSuchThing
from schemas.ids import parse, shown
from schemas.tables import JobRow
from storage import jobs


async def find_job(connection: AsyncConnection, name: str) -> JobRow:
    """The one job of this name.

    Raises:
        NoSuchThing: no job is called that.
        AmbiguousName: several are; the message lists them.
    """
    number = parse(name, "job")
    if number is not None and (job := await jobs.get(connection, number)):
        return job
    found = await jobs.named(connection, name)
    source, slash, job_id = name.partition("/")
    if not found and slash:
        found = await jobs.named(connection, job_id, source)
    if not found:
        raise NoSuchThing(f"no job is called {name}; `batchkeeper jobs` lists them, `batchkeeper track` adds one")
    if len(found) > 1:
        names = ", ".join(f"{job.source}/{job.job_id} ({job.kind}, {shown('job', job.id)})" for job in found)
        raise AmbiguousName(f"several jobs are called {name}: {names}")
    return found[0]
