"""Submitting in a flow, as `batchkeeper submit` does it: the rows are staged, the intent is stored, and the service sends it."""

from collections.abc import Sequence
from pathlib import Path

from service import Service, until

from operators.clock import now
from operators.rows_file import read_rows
from operators.submitting import Submitted, Wishes, submit
from schemas.dialects import DIALECTS
from schemas.tables import JobRow, SubmissionRow
from storage import jobs, submissions
from storage.files import files_for


async def store(running: Service, path: Path, wishes: Wishes = Wishes(), shard_rows: int | None = None) -> Submitted:  # noqa: B008
    """Store the rows of a file to be submitted to the source "gateway", and wake the service."""
    source = running.config.sources["gateway"]
    rows = read_rows(path, DIALECTS[source.dialect].input_limits, shard_rows)
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
    await come_to(running, stored, "created")
    async with running.store.reading() as connection:
        (job,) = await jobs.of_submissions(connection, [stored.submissions[0].id])
    return job
