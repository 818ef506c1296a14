"""The prune round: what is older than its retention goes, a few hundred rows at a time, the bytes first."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.config import Retention
from schemas.times import DAY
from storage import retention
from storage.store import Store

log = structlog.get_logger()

BATCH = 500
WATCHES_DAYS = 1  # beyond any doubt: they lapse within seconds
KEYS_DAYS = 30  # no application sends the same request again after so long
Chore = Callable[[AsyncConnection, int, int], Awaitable[int]]


async def run_once(store: Store, keep: Retention, now: int) -> dict[str, int]:
    """Delete what is past its time. How many rows of each went."""
    chores: tuple[tuple[str, Chore, int], ...] = (
        ("bodies", retention.bodies, keep.bodies),
        ("receipts", retention.receipts, keep.receipts),
        ("orphans", retention.orphans, max(keep.receipts, retention.IDENTITY_DAYS)),
        ("refused_requests", retention.refused_requests, keep.refusals),
        ("refusals", retention.refusals, keep.refusals),
        ("observations", retention.observations, keep.observations),
        ("actions", retention.actions, keep.actions),
        ("reverifications", retention.reverifications, keep.actions),
        ("finding_changes", retention.finding_changes, keep.observations),
        ("handoffs", retention.handoffs, keep.handoffs),
        ("watches", retention.watches, WATCHES_DAYS),
    )
    gone = {name: await _all_of(store, chore, now - days * DAY) for name, chore, days in chores}
    async with store.writing() as connection:
        gone["idempotency_keys"] = await retention.idempotency_keys(connection, now - KEYS_DAYS * DAY)
        gone["tallies"] = await retention.tallies(connection, now - keep.tallies * DAY)
    if any(gone.values()):
        log.info("pruned", **gone)
    return gone


async def _all_of(store: Store, chore: Chore, before: int) -> int:
    gone = 0
    while True:
        async with store.writing() as connection:
            count = await chore(connection, before, BATCH)
        gone += count
        if count < BATCH:
            return gone
