"""Submitting in a flow, as `batchkeeper submit` does it: the rows are staged, the intent is stored, and the service sends it."""

from collections.abc import Sequence
from pathlib import Path

from service import Service, until

from operators.clock import now
from operators.rows_file import read_rows
from operators.submitting import Submitted, Wishes, submit
from schemas.dialects import dialect_of
from schemas.tables import JobRow, SubmissionRow
from storage import jobs, submissions
from storage.files import files_for


async def store(
    running: Service,
    path: Path,
    wishes: Wishes = Wishes(),  # noqa: B008
    shard_rows: int | None = None,
    to: str = "gateway",
    endpoint: str | None = None,
) -> Submitted:
    """Store the rows of a file to be submitted to a source, and wake the service."""
    source = running.config.sources[to]
    rows = read_rows(path, dialect_of(source), shard_rows, endpoint)
    files = files_for(running.config.data)
    stored = await submit(running.store, files, running.config, source, rows, wishes, now())
    running.reconciler.wake()
    return stored


async def states(running: Service, stored: Submitted) -> list[SubmissionRow]:
    """The submissions as they stand, in the order of their rows."""
    async with running.store.reading() as connection:
        found = [await submissions.get(connection, row.id) for row in stored.submissions]
    return [row for row in found if row is not None]


async def come_to(running: Service, stored: Submitted, *words: str) -> list[SubmissionRow]:
    """Wait until every submission is in one of these states."""

    async def so() -> Sequence[SubmissionRow] | None:
        rows = await states(running, stored)
        return rows if all(row.state in words for row in rows) else None

    found: list[SubmissionRow] = await until(so, f"submissions to be {' or '.join(words)}")
    return found


async def submitted(running: Service, path: Path, **metadata: str) -> JobRow:
    """One batch, once it has been created."""
    stored = await store(running, path, Wishes(metadata))
    (job,) = await made(running, stored)
    return job


async def made(running: Service, stored: Submitted) -> list[JobRow]:
    """The jobs of submissions, once all have been created, in the order of their rows."""
    await come_to(running, stored, "created")
    async with running.store.reading() as connection:
        found = await jobs.of_submissions(connection, [row.id for row in stored.submissions])
    return sorted(found, key=lambda job: job.submission_id or 0)
