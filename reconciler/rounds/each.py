"""Write a batch in one transaction; when one item breaks it, write the others alone, and set that one aside.

One poison item costs only itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.owned import Owned
from storage.engine import StoreAway
from storage.leases import LeaseLost
from storage.points import reach

log = structlog.get_logger()

Item = TypeVar("Item")
Write = Callable[[AsyncConnection, Item], Awaitable[None]]
Named = Callable[[Item], Mapping[str, Any]]
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
    named: Named[Item] | None = None,
) -> None:
    """Write all items, `begin` first. `points` are the crash points "written" and "committed" of the round; `named` is what
    the log calls one that breaks."""
    if not items:
        return
    try:
        await _write(owned, items, write, points, begin)
    except _OURS:
        raise
    except Exception:
        for item in items:
            await _write_alone(owned, item, write, set_aside, points, named)


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
        getattr(log, news.level)(news.event, source=owned.source.name, **news.told)


async def _write_alone(
    owned: Owned,
    item: Item,
    write: Write[Item],
    set_aside: Write[Item],
    points: Sequence[str],
    named: Named[Item] | None,
) -> None:
    try:
        await _write(owned, [item], write, points)
    except _OURS:
        raise
    except Exception:
        log.exception("poison", source=owned.source.name, **(named(item) if named else {}))
        async with owned.writing() as connection:
            await set_aside(connection, item)
