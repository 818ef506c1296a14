"""Watching a job: saying so for as long as it lasts, and what there is to see meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from operators import views
from operators.clock import now
from operators.errors import NoSuchThing
from operators.views import View
from schemas.ids import shown
from schemas.tables import JobRow, ObservationRow
from schemas.times import SECOND
from schemas.words import Asked
from storage import failures, jobs, leases, observations, watches
from storage.engine import StoreAway
from storage.store import Store
from storage.waiting import stop_if_asked

LENGTH, RENEW_SECONDS = 15 * SECOND, 5.0
LOOK_BACK = 50  # observations


@contextlib.asynccontextmanager
async def watching(store: Store, job: JobRow) -> AsyncIterator[None]:
    """Somebody watches a job until the end of the block. Whoever cannot end it, because they are killed, need not: it lapses."""
    number = store.new_id()
    async with store.writing() as connection:
        await watches.begin(connection, number, job, LENGTH, store.engine.lease_clock(now()))
    renewing = asyncio.create_task(_renew(store, number, job))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with contextlib.suppress(StoreAway):  # then it lapses, too
            async with store.writing() as connection:
                await watches.end(connection, number)


async def _renew(store: Store, number: int, job: JobRow) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            async with store.writing() as connection:
                clock = store.engine.lease_clock(now())
                if not await watches.renew(connection, number, LENGTH, clock):
                    await watches.begin(connection, number, job, LENGTH, clock)
        except StoreAway:
            stop_if_asked()  # whoever looks hears of the store by looking


async def look(store: Store, number: int) -> View:
    """What is to be seen of a job now: all its fields, who said the newest word about it, and how its socket does."""
    async with store.reading() as connection:
        job = await jobs.get(connection, number)
        if job is None:
            raise NoSuchThing(f"{shown('job', number)} is not there any more")
        held = [one for one in await failures.of_job(connection, number) if one.cleared_at is None]
        seen = await observations.of_job(connection, number, LOOK_BACK)
        clock = store.engine.lease_clock(now())
        owner = await leases.holder_of(connection, f"source:{job.source}", clock)
    return {
        **views.job_whole(job, held),
        "newest": _newest(job, seen),
        "socket": next((views.said(one) for one in seen if one.asked == Asked.SOCKET), None),
        "owner": owner,
    }


def _newest(job: JobRow, seen: Sequence[ObservationRow]) -> View | None:
    """The newest word about a job, whoever said it: an answer, a list, a socket or a webhook."""
    said = next((one for one in seen if one.status is not None), None)
    if job.reported_at is not None and (said is None or said.last_seen_at < job.reported_at):
        return views.reported(job)
    return None if said is None else views.said(said)
