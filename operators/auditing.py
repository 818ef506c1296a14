"""The audit: every difference between the provider's ledger of its deliveries and ours, as a report over what is stored.

A difference is a delivery that should have come and did not, by the words of classification; one that we hold and that the
provider's account calls undelivered; and one that tells of another end than the provider's own answer. All of it is read from
indexes that hold little on a good day, a page at a time, so that it costs what there is to tell.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import documented, views
from operators.errors import BadInput
from operators.listings import Listing
from operators.views import View
from reconciler.accounting import was_refused
from schemas.ids import parse, shown
from schemas.tables import AttemptRow, DeliveryRow, FailureRow, JobRow
from schemas.times import rfc3339
from schemas.words import AttemptOutcome, Category, Verdict
from storage import attempts, deliveries, failures, jobs, sources
from storage.jobs import Identity
from storage.listing import Part
from storage.store import Store

FINDINGS_EXIT = 3  # something is different
PAGE = 200
MOST_RECEIPTS = 50  # of one delivery; a provider tries a few times
UNACKNOWLEDGED, CONFLICT = "unacknowledged", "conflict"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is audited: one source or all, from a time on (microseconds) or from the beginning."""

    source: str | None = None
    since: int | None = None


async def differences(store: Store, scope: Scope) -> AsyncIterator[View]:
    """Every difference, one sort after the other, the newest of each first. Each page is a transaction of its own, so that
    nothing waits for the reader."""
    cursor = None
    while True:
        async with store.reading() as connection:
            found = await list_differences(connection, scope, PAGE, cursor)
        for view in found.rows:
            yield view
        if found.next is None:
            return
        cursor = found.next


async def list_differences(connection: AsyncConnection, scope: Scope, limit: int, cursor: str | None = None) -> Listing:
    """
    A page of them: of at most `limit` rows that may tell of a difference, those that do. So there may be fewer, or none, and more
    on the next page.

    Raises:
        BadInput: the cursor is none of ours.
    """
    first, before = _begin(cursor)
    views_, last, left = list[View](), cursor, limit
    for sort in SORTS[first:]:
        found = await sort.rows(connection, scope, Part(left + 1, before, scope.since))
        before = None
        taken = found[:left]
        views_ += await sort.tell(connection, scope, [row for _, row in taken])
        if taken:
            last = shown(sort.prefix, taken[-1][0])
        if len(found) > left:
            return Listing(views_, last)
        left -= len(taken)
    return Listing(views_)


def _begin(cursor: str | None) -> tuple[int, int | None]:
    """With which sort a page begins, and after which of its rows: the cursor's prefix tells."""
    if cursor is None:
        return 0, None
    for place, sort in enumerate(SORTS):
        number = parse(cursor, sort.prefix)
        if number is not None:
            return place, number
    raise BadInput(f"cursor is what an earlier answer gave as next, such as {shown(SORTS[0].prefix, 1)}")


Numbered = list[tuple[int, Any]]  # rows, each with the number that a page goes on after


async def _failures(connection: AsyncConnection, scope: Scope, part: Part) -> Numbered:
    found = await failures.newest(connection, part, scope.source, Category.DELIVERY.value)
    return [(pair[0].id, pair) for pair in found]


async def _of_failures(_: AsyncConnection, _scope: Scope, rows: Sequence[tuple[FailureRow, Identity]]) -> list[View]:
    return [_of_failure(*pair) for pair in rows]


async def _attempts(connection: AsyncConnection, _: Scope, part: Part) -> Numbered:
    return [(row.id, row) for row in await attempts.undelivered(connection, part)]


async def _conflicts(connection: AsyncConnection, scope: Scope, part: Part) -> Numbered:
    found = await deliveries.newest(connection, part, scope.source, Verdict.CONFLICT.value)
    return [(row.id, row) for row in found]


async def _of_conflicts(connection: AsyncConnection, _: Scope, rows: Sequence[DeliveryRow]) -> list[View]:
    return [_of_conflict(row, await jobs.by_identity(connection, row.source, row.kind, row.job_id)) for row in rows]


async def _of_attempts(connection: AsyncConnection, scope: Scope, rows: Sequence[AttemptRow]) -> list[View]:
    """Those that reached us, and that the provider does not call delivered."""
    if not rows:
        return []
    listening = {row.name: row.listening_since for row in await sources.all_of_them(connection)}
    about = await jobs.these(connection, {row.job for row in rows})
    accounts = await attempts.of_jobs(connection, about)
    told = []
    for row in rows:
        job = about.get(row.job)
        if job is None or not job.has_webhook or scope.source not in (None, job.source):
            continue
        if 0 < row.tried_at < listening.get(job.source, 0):
            continue
        account = [one for one in accounts[job.id] if one.delivery_key == row.delivery_key]
        found = await _unacknowledged(connection, row, job, account)
        told += [] if found is None else [found]
    return told


def _of_failure(failure: FailureRow, job: Identity) -> View:
    evidence = json.loads(failure.evidence)
    about = _about(job.source, job.kind, job.job_id, job, failure.subject)
    found = {"message": failure.message, "at": rfc3339(failure.detected_at), "evidence": evidence}
    return {"difference": failure.code, **about, **found, "page": documented.difference(failure.code)}


async def _unacknowledged(
    connection: AsyncConnection, row: AttemptRow, job: JobRow, account: Sequence[AttemptRow]
) -> View | None:
    """None of the attempts in the account of a delivery is called delivered, and we hold it; told at the newest of them."""
    failed = [one for one in account if one.outcome != AttemptOutcome.DELIVERED]
    if len(failed) < len(account) or max(one.id for one in failed) != row.id:
        return None
    identity = (job.source, job.kind, job.job_id)
    ours = await deliveries.of_job(connection, identity, [row.delivery_key])
    delivery = next((one for one in ours if one.delivery_key == row.delivery_key), None)
    if delivery is None:
        return None
    # The provider has noted our refusal, and so did we.
    if was_refused(delivery):
        return None
    receipts = await deliveries.receipts_of(connection, delivery.id, MOST_RECEIPTS)
    reached = {one.attempt for one in receipts if one.taken_in_at is None}
    if not any(one.number in reached or one.outcome == AttemptOutcome.GIVEN_UP for one in failed):
        return None  # those attempts failed, and a later one that its account does not show yet has reached us
    noted = f"HTTP {row.response_status}" if row.response_status is not None else row.error
    message = f"{row.delivery_key}: we hold it, and the provider's account calls it {row.outcome}{f' ({noted})' if noted else ''}"
    evidence = {"delivery": views.delivery(delivery), "attempts": [views.attempt(one) for one in account]}
    about = _about(*identity, job, row.delivery_key)
    return _difference(UNACKNOWLEDGED, about, message, row.first_seen_at, evidence)


def _of_conflict(delivery: DeliveryRow, job: JobRow | None) -> View:
    status = job.status if job else "unknown"
    message = f"{delivery.delivery_key}: it tells of {delivery.reported_status}, and the job is {status} by the provider's answer"
    about = _about(delivery.source, delivery.kind, delivery.job_id, job, delivery.delivery_key)
    return _difference(CONFLICT, about, message, delivery.last_received_at, {"delivery": views.delivery(delivery)})


def _difference(word: str, about: View, message: str, at: int, evidence: dict[str, Any]) -> View:
    told = {"message": message, "at": rfc3339(at), "evidence": evidence, "page": documented.difference(word)}
    return {"difference": word, **about, **told}


def _about(source: str, kind: str, job_id: str, job: JobRow | Identity | None, key: str) -> View:
    ours = shown("job", job.id) if job else None
    return {"source": source, "kind": kind, "job_id": job_id, "job": ours, "key": key}


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of difference: the rows that may tell of it, newest first, and what those tell. `prefix`: of their ids."""

    prefix: str
    rows: Callable[[AsyncConnection, Scope, Part], Awaitable[Numbered]]
    tell: Callable[[AsyncConnection, Scope, Any], Awaitable[list[View]]]


SORTS = (
    Sort("fail", _failures, _of_failures),
    Sort("att", _attempts, _of_attempts),
    Sort("dlv", _conflicts, _of_conflicts),
)
