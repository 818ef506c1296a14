"""One thing of each noun, by its id, whole."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.errors import NoSuchThing
from operators.queries import list_sources
from operators.views import View
from schemas.config import Config
from schemas.ids import parse, shown
from schemas.tables import DeliveryRow, JobRow
from schemas.texts import clean
from storage import actions, deliveries, failures, findings, jobs, labels, submissions

MOST_RECEIPTS = 100
Row = TypeVar("Row")


async def show_delivery(connection: AsyncConnection, name: str) -> View:
    """A delivery with the job that it is about, if we know that, and its first receipts, oldest first."""
    row = await _thing(connection, deliveries.get, name, "dlv", "delivery")
    receipts = await deliveries.receipts_of(connection, row.id, MOST_RECEIPTS)
    return {
        **views.delivery(row),
        "job": _shown(await _job_of(connection, row)),
        "receipts": [views.receipt(one) for one in receipts],
    }


async def show_receipt(connection: AsyncConnection, name: str) -> View:
    """An accepted request with the delivery that it is of."""
    row = await _thing(connection, deliveries.receipt, name, "rcp", "receipt")
    delivery = await deliveries.get(connection, row.delivery_id)
    return {
        **views.receipt_whole(row),
        "kind": None if delivery is None else delivery.kind,
        "job_id": None if delivery is None else delivery.job_id,
        "delivery_key": None if delivery is None else delivery.delivery_key,
    }


async def show_failure(connection: AsyncConnection, name: str) -> View:
    """A failure with the job that it is of."""
    row = await _thing(connection, failures.get, name, "fail", "failure")
    return views.failure(row, await _known(connection, row.job))


async def show_finding(connection: AsyncConnection, name: str) -> View:
    """A finding about a source, whether it stands or is closed."""
    return views.source_finding(await _thing(connection, findings.get, name, "fnd", "finding"))


async def show_action(connection: AsyncConnection, name: str) -> View:
    """An action with the job that it is about."""
    row = await _thing(connection, actions.get, name, "act", "action")
    return views.action_of(row, await _known(connection, row.job))


async def show_submission(connection: AsyncConnection, name: str) -> View:
    """A submission with the job that came of it, if one did, and its labels."""
    row = await _thing(connection, submissions.get, name, "sub", "submission")
    made = await jobs.of_submissions(connection, [row.id])
    given = [row.id] if row.group_id is None else [row.group_id, row.id]
    return {
        **views.submission(row),
        "job": _shown(made[0] if made else None),
        "labels": await labels.of_subjects(connection, given),
    }


async def show_source(connection: AsyncConnection, config: Config, name: str, now: int, lease_clock: Any) -> View:
    """A configured source, with the URL to register and how asking it goes."""
    must_be_source(config, name)
    return next(row for row in await list_sources(connection, config, now, lease_clock) if row["name"] == name)


def must_be_source(config: Config, name: str) -> None:
    """Raise NoSuchThing for one that is not configured."""
    if name not in config.sources:
        raise NoSuchThing(f"no source is called {clean(name, 64)}; configured are {', '.join(sorted(config.sources))}")


async def _thing(
    connection: AsyncConnection,
    get: Callable[[AsyncConnection, int], Awaitable[Row | None]],
    name: str,
    prefix: str,
    noun: str,
) -> Row:
    number = parse(name, prefix)
    row = None if number is None else await get(connection, number)
    if row is None:
        raise NoSuchThing(f"no {noun} has the id {clean(name, 80)}; such an id looks like {shown(prefix, 1)}")
    return row


async def _job_of(connection: AsyncConnection, row: DeliveryRow) -> JobRow | None:
    return await jobs.by_identity(connection, row.source, row.kind, row.job_id)


async def _known(connection: AsyncConnection, number: int) -> jobs.Identity:
    """The job that a row of ours names, and that therefore is there."""
    return (await jobs.identities(connection, [number]))[number]


def _shown(job: JobRow | None) -> str | None:
    return None if job is None else shown("job", job.id)
