"""Write a batch in one transaction; when one item breaks it, write the others alone, and set that one aside.

One poison item costs only itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.owned import Owned
from storage.engine import StoreAway
from storage.leases import LeaseLost
from storage.points import reach

log = structlog.get_logger()

Item = TypeVar("Item")
Write = Callable[[AsyncConnection, Item], Awaitable[None]]
Begin = Callable[[AsyncConnection, Sequence[Item]], Awaitable[None]]

# The store is away or not ours any more: no item's fault.
_OURS = (LeaseLost, StoreAway)


async def write_each(
    owned: Owned,
    items: Sequence[Item],
    write: Write[Item],
    set_aside: Write[Item],
    points: Sequence[str],
    begin: Begin[Item] | None = None,
) -> None:
    """Write all items, `begin` first. `points` are the crash points "written" and "committed" of the round."""
    if not items:
        return
    try:
        await _write(owned, items, write, points, begin)
    except _OURS:
        raise
    except Exception:
        for item in items:
            await _write_alone(owned, item, write, set_aside, points)


async def _write(
    owned: Owned, items: Sequence[Item], write: Write[Item], points: Sequence[str], begin: Begin[Item] | None = None
) -> None:
    owned.news.clear()
    owned.noted.clear()
    async with owned.writing() as connection:
        if begin is not None:
            await begin(connection, items)
        for item in items:
            await write(connection, item)
        reach(points[0])
    reach(points[1])
    owned.counted.update(owned.noted)
    for news in owned.news:
        log.info("job_moved", source=owned.source.name, **asdict(news))


async def _write_alone(
    owned: Owned, item: Item, write: Write[Item], set_aside: Write[Item], points: Sequence[str]
) -> None:
    try:
        await _write(owned, [item], write, points)
    except _OURS:
        raise
    except Exception:
        log.exception("poison", source=owned.source.name)
        async with owned.writing() as connection:
            await set_aside(connection, item)
