"""Health: whether the service does its work, in one word for a probe. Nothing here is secret, so that no token is needed."""

from collections.abc import Collection, Mapping

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from operators.heartbeat import Heartbeat, heartbeat
from schemas.config import Config
from schemas.times import MINUTE
from schemas.words import RefusalReason
from storage.engine import StoreAway
from storage.store import Store

LOOK_BACK = 5 * MINUTE
MANY = 10  # fewer refusals may be anybody's
NO_RECONCILER = "no reconciler has been heard of for longer than a lease lasts"
ALL_REFUSED = "every webhook of the last minutes was refused"
STORE_AWAY = "the store cannot be read"

# What speaks of a request that came from a provider: what any passer-by can bring about is left out.
_OF_PROVIDERS = frozenset(RefusalReason) - {
    RefusalReason.UNKNOWN_SOURCE,
    RefusalReason.METHOD,
    RefusalReason.FRAMING,
    RefusalReason.TOO_SLOW,
    RefusalReason.FLOOD,
}


async def trouble(store: Store, config: Config, now: int) -> str | None:
    """What keeps the service from doing its work, in one of our own few sentences; None: nothing does."""
    try:
        async with store.reading() as connection:
            return _judged(*await _seen(connection, store, config, now), config.sources.keys())
    except (StoreAway, DBAPIError):
        return STORE_AWAY


async def _seen(
    connection: AsyncConnection, store: Store, config: Config, now: int
) -> tuple[Heartbeat, Mapping[tuple[str, str], int]]:
    return await heartbeat(connection, store, config, now), await store.past.lately(connection, now - LOOK_BACK, now)


def _judged(beat: Heartbeat, lately: Mapping[tuple[str, str], int], sources: Collection[str]) -> str | None:
    if not beat.reconcilers:
        return NO_RECONCILER
    return ALL_REFUSED if everything_is_refused(lately, sources) else None


def everything_is_refused(lately: Mapping[tuple[str, str], int], sources: Collection[str]) -> bool:
    """Whether many requests for configured sources were refused and none was taken."""
    ours = {(source, what): number for (source, what), number in lately.items() if source in sources}
    accepted = sum(number for (_, what), number in ours.items() if what == "accepted")
    refused = sum(ours.get((source, f"refused.{reason}"), 0) for source in sources for reason in _OF_PROVIDERS)
    return accepted == 0 and refused >= MANY
