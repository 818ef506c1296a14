"""Owners: which reconciler keeps each source now."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.config import Config
from storage import leases

LEASE = "source:"


async def source_owners(connection: AsyncConnection, config: Config, lease_clock: Any) -> dict[str, str]:
    """By source; nothing is in the answer of one that nobody keeps. `lease_clock` is the engine's."""
    names = {f"{LEASE}{name}": name for name in config.sources}
    held = await leases.holders_of(connection, names, lease_clock)
    return {names[lease]: holder for lease, holder in held.items()}
