"""Finding a job by what a person types: our id, SOURCE/JOB_ID, or a provider's id that only one job has."""

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import AmbiguousName, NoSuchThing, nothing_called
from schemas.ids import parse, shown
from schemas.tables import JobRow
from storage import jobs


async def find_job(connection: AsyncConnection, name: str) -> JobRow:
    """The one job of this name.

    Raises:
        NoSuchThing: no job is called that.
        AmbiguousName: several are; the message lists them.
    """
    if not (name.isascii() and name.isprintable()):
        raise NoSuchThing("a job is named by its id, SOURCE/JOB_ID or the provider's id, in printable ASCII")
    number = parse(name, "job")
    if number is not None and (job := await jobs.get(connection, number)):
        return job
    found = await _named(connection, name)
    if not found:
        raise nothing_called("job", name, "jobs", "`batchkeeper track SOURCE JOB_ID` adds one")
    if len(found) > 1:
        names = "".join(f"\n  {shown('job', job.id)}  {job.source}/{job.job_id} ({job.kind})" for job in found)
        raise AmbiguousName(f"several jobs are called {name}; say which by the id in front:{names}")
    return found[0]


async def _named(connection: AsyncConnection, name: str) -> list[JobRow]:
    """Every job that the name may mean: ids may hold slashes, so the part before the first need not be a source."""
    found = await jobs.named(connection, name)
    source, slash, job_id = name.partition("/")
    if slash:
        found += await jobs.named(connection, job_id, source)
    return found
