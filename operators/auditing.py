"""The audit: every difference between the provider's ledger of its deliveries and ours, as a report over what is stored.

A difference is a delivery that should have come and did not, by the words of classification; one that we hold and that the
provider's account calls undelivered; and one that tells of another end than the provider's own answer. All of it is read from
indexes that hold little on a good day, a page at a time, so that it costs what there is to tell.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import documented, views
from operators.views import View
from schemas.ids import shown
from schemas.tables import AttemptRow, DeliveryRow, FailureRow, JobRow
from schemas.times import rfc3339
from schemas.words import AttemptOutcome, Category, Verdict
from storage import attempts, deliveries, failures, findings, jobs, sources
from storage.jobs import Identity
from storage.listing import Part
from storage.store import Store

FINDINGS_EXIT = 3  # something is different
PAGE = 200
MOST_RECEIPTS = 50  # of one delivery; a provider tries a few times
UNACKNOWLEDGED, CONFLICT = "unacknowledged", "conflict"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is audited: one source or all, from a time on (microseconds) or from the beginning."""

    source: str | None = None
    since: int | None = None


async def differences(store: Store, scope: Scope) -> AsyncIterator[View]:
    """Every difference, one sort after the other, the newest of each first."""
    async for failure, job in _pages(store, scope, _failures(scope), lambda pair: pair[0].id):
        yield _of_failure(failure, job)
    listening = await _listening(store)
    async for row in _pages(store, scope, attempts.undelivered, lambda row: row.id):
        async with store.reading() as connection:
            found = await _unacknowledged(connection, row, scope, listening)
        if found is not None:
            yield found
    async for delivery in _pages(store, scope, _conflicts(scope), lambda row: row.id):
        async with store.reading() as connection:
            known = await jobs.by_identity(connection, delivery.source, delivery.kind, delivery.job_id)
        yield _of_conflict(delivery, known)


async def standing(connection: AsyncConnection, configured: Sequence[str], scope: Scope) -> list[View]:
    """The findings that stand against the sources that are audited."""
    names = configured if scope.source is None else [scope.source]
    found = await findings.of_sources(connection, names)
    return [views.source_finding(row) for name in sorted(found) for row in found[name]]


Pair = tuple[FailureRow, Identity]


def _failures(scope: Scope) -> Callable[[AsyncConnection, Part], Awaitable[list[Pair]]]:
    async def page(connection: AsyncConnection, part: Part) -> list[Pair]:
        return await failures.newest(connection, part, scope.source, Category.DELIVERY.value)

    return page


def _conflicts(scope: Scope) -> Callable[[AsyncConnection, Part], Awaitable[list[DeliveryRow]]]:
    async def page(connection: AsyncConnection, part: Part) -> list[DeliveryRow]:
        return await deliveries.newest(connection, part, scope.source, Verdict.CONFLICT.value)

    return page


async def _pages(
    store: Store,
    scope: Scope,
    page: Callable[[AsyncConnection, Part], Awaitable[list[Row]]],
    number: Callable[[Row], int],
) -> AsyncIterator[Row]:
    """All rows of a listing. Each page is a transaction of its own, so that nothing waits for the reader."""
    before = None
    while True:
        async with store.reading() as connection:
            rows = await page(connection, Part(PAGE, before, scope.since))
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        before = number(rows[-1])


async def _listening(store: Store) -> dict[str, int]:
    """Since when each source is listened to."""
    async with store.reading() as connection:
        return {row.name: row.listening_since for row in await sources.all_of_them(connection)}


def _of_failure(failure: FailureRow, job: Identity) -> View:
    evidence = json.loads(failure.evidence)
    about = _about(job.source, job.kind, job.job_id, job, failure.subject)
    found = {"message": failure.message, "at": rfc3339(failure.detected_at), "evidence": evidence}
    return {"difference": failure.code, **about, **found, "page": documented.failure(failure.code)}


async def _unacknowledged(
    connection: AsyncConnection, row: AttemptRow, scope: Scope, listening: dict[str, int]
) -> View | None:
    """An attempt that reached us and that the provider does not call delivered; told once, at the newest such attempt."""
    job = (await jobs.these(connection, [row.job])).get(row.job)
    if job is None or not job.has_webhook or scope.source not in (None, job.source):
        return None
    if 0 < row.tried_at < listening.get(job.source, 0):
        return None
    account = [one for one in await attempts.of_job(connection, job.id) if one.delivery_key == row.delivery_key]
    failed = [one for one in account if one.outcome != AttemptOutcome.DELIVERED]
    if len(failed) < len(account) or max(one.id for one in failed) != row.id:
        return None
    identity = (job.source, job.kind, job.job_id)
    ours = await deliveries.of_job(connection, identity, [row.delivery_key])
    delivery = next((one for one in ours if one.delivery_key == row.delivery_key), None)
    if delivery is None:
        return None
    receipts = await deliveries.receipts_of(connection, delivery.id, MOST_RECEIPTS)
    reached = {one.attempt for one in receipts}
    if not any(one.number in reached or one.outcome == AttemptOutcome.GIVEN_UP for one in failed):
        return None  # those attempts failed, and a later one that its account does not show yet has reached us
    message = f"{row.delivery_key}: we hold it, and the provider's account calls it {row.outcome}"
    evidence = {"delivery": views.delivery(delivery), "attempts": [views.attempt(one) for one in account]}
    about = _about(*identity, job, row.delivery_key)
    return _difference(UNACKNOWLEDGED, about, message, row.first_seen_at, evidence)


def _of_conflict(delivery: DeliveryRow, job: JobRow | None) -> View:
    status = job.status if job else "unknown"
    message = f"{delivery.delivery_key}: it tells of {delivery.reported_status}, and the job is {status} by the provider's answer"
    about = _about(delivery.source, delivery.kind, delivery.job_id, job, delivery.delivery_key)
    return _difference(CONFLICT, about, message, delivery.last_received_at, {"delivery": views.delivery(delivery)})


def _difference(word: str, about: View, message: str, at: int, evidence: dict[str, Any]) -> View:
    told = {"message": message, "at": rfc3339(at), "evidence": evidence, "page": f"{documented.PAGE}#{word}"}
    return {"difference": word, **about, **told}


def _about(source: str, kind: str, job_id: str, job: JobRow | Identity | None, key: str) -> View:
    ours = shown("job", job.id) if job else None
    return {"source": source, "kind": kind, "job_id": job_id, "job": ours, "key": key}
