"""Waiting until work is done, whoever submitted it: the store is looked at, nothing is asked for."""

import asyncio
import time
from collections.abc import Callable

from operators.outcomes import Outcome, of_all
from operators.work import Work, find_work
from storage.store import Store

EVERY_SECONDS = 0.5


async def wait_for(
    store: Store, name: str, timeout: float | None, tell: Callable[[Work], None]
) -> tuple[Work, Outcome | None]:
    """Look until every member has come out, or `timeout` seconds are over: then no outcome. `tell` sees each look.

    Raises:
        NoSuchThing, AmbiguousName.
    """
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        async with store.reading() as connection:
            work = await find_work(connection, name)
        tell(work)
        outcome = of_all(work.members)
        if outcome is not None or (until is not None and time.monotonic() >= until):
            return work, outcome
        await asyncio.sleep(EVERY_SECONDS)
