"""From stored submissions to sent ones, as whoever submitted follows it: by the reconciler at work, or where none is, by us."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from operators.clock import now
from operators.submitting import Submitted
from reconciler.daemon import Reconciler
from schemas.config import Config, Source
from schemas.tables import SubmissionRow
from schemas.words import SubmissionState
from storage import submissions
from storage.store import Store

EVERY_SECONDS = 0.2
PATIENCE_SECONDS = 60.0  # without any news, while another process is to send it
_ON_ITS_WAY = frozenset({SubmissionState.STORED, SubmissionState.UPLOADED, SubmissionState.CREATING})


async def send(
    config: Config, source: Source, store: Store, submitted: Submitted, tell: Callable[[Sequence[SubmissionRow]], None]
) -> list[SubmissionRow]:
    """Follow what was stored until all of it has been sent, turned away, or waits for later. How it stands then.

    Whoever ends this early ends nothing: what is stored is sent by the next reconciler.
    """
    working = asyncio.create_task(Reconciler(config, store, now).submit(source))
    try:
        return await _follow(store, submitted, working, tell)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def _follow(
    store: Store,
    submitted: Submitted,
    working: asyncio.Task[bool],
    tell: Callable[[Sequence[SubmissionRow]], None],
) -> list[SubmissionRow]:
    rows = list(submitted.submissions)
    quiet = 0.0
    while True:
        before, rows = rows, await _look(store, submitted)
        tell(rows)
        if working.done() and working.exception() is not None:
            working.result()
        quiet = quiet + EVERY_SECONDS if rows == before and working.done() else 0.0
        if all(is_at_rest(row, now()) for row in rows) or quiet >= PATIENCE_SECONDS:
            return rows
        await asyncio.sleep(EVERY_SECONDS)


async def _look(store: Store, submitted: Submitted) -> list[SubmissionRow]:
    async with store.reading() as connection:
        if submitted.group is not None:
            return await submissions.of_group(connection, submitted.group.id)
        row = await submissions.get(connection, submitted.submissions[0].id)
        return [] if row is None else [row]


def is_at_rest(row: SubmissionRow, at: int) -> bool:
    """Nothing happens to it now: it came to something, or waits until later."""
    waits = row.tries > 0 and row.due_at is not None and row.due_at > at
    return row.state not in _ON_ITS_WAY or waits
