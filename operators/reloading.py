"""Reading the configuration anew while the service runs."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import asdict

import structlog

from operators.clock import now
from schemas.config import Config, ConfigError, load
from schemas.config.difference import Difference, difference, taken_up
from schemas.dialects import DEFAULTS
from storage import sources
from storage.engine import StoreAway
from storage.store import Store

log = structlog.get_logger()


async def enter_sources(store: Store, config: Config, at: int) -> None:
    """Note since when we listen for each source, unless that is known."""
    async with store.writing() as connection:
        # In one order, so that two who start do not wait for each other in a ring.
        for _, source in sorted(config.sources.items()):
            await sources.enter(connection, source.name, source.dialect, at)


class Current:
    """The configuration that holds now. `followers` are told of each that takes its place."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.followers: list[Callable[[Config], None]] = []
        self._store = store

    async def reload(self) -> None:
        """
        Read the file and the secrets anew, and go by them from now on. When anything is wrong with them, say so and change
        nothing: half a configuration would be one that nobody wrote.
        """
        try:
            read = await asyncio.to_thread(_read, self.config)
            await enter_sources(self._store, read, now())
        except ConfigError as error:
            for problem in error.problems:
                log.error("config_problem", **asdict(problem))
            log.error("config_refused", problems=len(error.problems), advice="correct it and send SIGHUP again")
            return
        except StoreAway as error:
            log.error("config_not_taken_up", error=str(error), advice="send SIGHUP again when the store is back")
            return
        self._take_up(read)

    def _take_up(self, read: Config) -> None:
        found = difference(self.config, read)
        for warning in read.warnings:
            log.warning("config_warning", **asdict(warning))
        for key in found.needs_restart:
            log.warning("needs_restart", key=key, advice="the old value holds until the service is started anew")
        self.config = taken_up(self.config, read)
        for follow in self.followers:
            follow(self.config)
        log.info("config_reloaded", **_told(found))


def _read(config: Config) -> Config:
    return load(config.path, os.environ, DEFAULTS)


def _told(found: Difference) -> dict[str, list[str]]:
    """What changed, by name; nothing of what it was or is, for that may be a secret."""
    return {
        "sources_added": list(found.added),
        "sources_removed": list(found.removed),
        "sources_changed": list(found.changed),
        "handoffs_added": list(found.handoffs_added),
        "handoffs_removed": list(found.handoffs_removed),
        "handoffs_changed": list(found.handoffs_changed),
        "keys_changed": list(found.keys),
    }
