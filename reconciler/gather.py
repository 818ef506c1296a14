"""Gather everything that is known about one job, for the decisions and for whoever explains them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.facts import Facts, Terms
from schemas.config import Source
from schemas.dialects import Dialect
from schemas.readings import Ended, Expected, RowCounts, Suppressed
from schemas.tables import JobRow
from schemas.words import TERMINAL, Status
from storage import actions, attempts, deliveries, outputs, row_matches


async def gather(connection: AsyncConnection, job: JobRow, source: Source, dialect: Dialect, terms: Terms) -> Facts:
    """Read all facts about a job within the caller's transaction."""
    expected = expectations(job, source, dialect, terms)
    keys = [key for one in expected if isinstance(one, Expected) for key in one.keys]
    return Facts(
        job=job,
        terms=terms,
        expectations=expected,
        deliveries=await deliveries.of_job(connection, (job.source, job.kind, job.job_id), keys),
        attempts=await attempts.of_job(connection, job.id),
        actions=await actions.of_job(connection, job.id),
        outputs=await outputs.of_job(connection, job.id),
        match=await row_matches.of_job(connection, job.id),
        cancelled_may_mean=dialect.cancelled_may_mean,
        prospects=prospects(job, source, dialect),
    )


async def gather_to_decide(
    connection: AsyncConnection, job: JobRow, source: Source, dialect: Dialect, terms: Terms
) -> Facts:
    """What a decision about a job looks at. While it is open that is only what was asked for: nothing is expected yet."""
    if Status(job.status).is_terminal:
        return await gather(connection, job, source, dialect, terms)
    return Facts(job=job, terms=terms, actions=await actions.of_job(connection, job.id))


def expectations(job: JobRow, source: Source, dialect: Dialect, terms: Terms) -> tuple[Expected | Suppressed, ...]:
    """What a terminal job should have brought here. Nothing without a webhook of ours, or when it ended before we listened."""
    status = Status(job.status)
    if not status.is_terminal or source.webhook == "none" or not job.has_webhook:
        return ()
    ended_at = job.provider_ended_at or job.ended_at
    if ended_at is not None and ended_at < terms.listening_since - _GRAIN:
        return ()
    counts = RowCounts(job.rows_total, job.rows_completed, job.rows_failed)
    ended = Ended(job.kind, status, counts, job.output_file_id, bool(job.writes_files), job.job_id)
    return dialect.expected(ended, _events(job, source))


def prospects(job: JobRow, source: Source, dialect: Dialect) -> tuple[tuple[Status, Expected | Suppressed], ...]:
    """What an open job will bring here when it ends, by each end that it may come to."""
    if Status(job.status).is_terminal or source.webhook == "none" or not job.has_webhook:
        return ()
    # How its rows will have gone nobody knows yet, nor the name of its output: this is about an end as it should be.
    ends = [
        Ended(job.kind, end, RowCounts(job.rows_total, None, None), "its output", bool(job.writes_files), job.job_id)
        for end in sorted(TERMINAL)
    ]
    return tuple((end.status, one) for end in ends for one in dialect.expected(end, _events(job, source)))


def _events(job: JobRow, source: Source) -> Sequence[str]:
    return job.webhook_events.split() if job.webhook_events else source.webhook_events


_GRAIN = 1_000_000  # providers tell whole seconds
