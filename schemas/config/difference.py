"""How two configurations differ, and what of the difference a running process can take up."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.config.model import Config, Reconciler, Retention, Section

LIVE: dict[str, frozenset[str]] = {
    "receiver": frozenset({"public_url", "refusals_per_minute", "trusted_proxies"}),
    "operators": frozenset({"token", "read_token"}),
    "reconciler": frozenset(Reconciler.model_fields),
    "retention": frozenset(Retention.model_fields),
}
"""The keys that a running process takes up, beside everything in [sources.NAME] and [handoffs.NAME]. Every other one needs a
restart."""


@dataclass(frozen=True)
class Difference:
    """Names of sources and of targets, and keys of the other tables, such as `receiver.port`; each in order."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    handoffs_added: tuple[str, ...] = ()
    handoffs_removed: tuple[str, ...] = ()
    handoffs_changed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()


def difference(old: Config, new: Config) -> Difference:
    """What is different in the new one."""
    added, removed, changed = _compared(old.sources, new.sources)
    targets_added, targets_removed, targets_changed = _compared(old.handoffs, new.handoffs)
    keys = [
        (table, key, key in LIVE.get(table, ()))
        for table in _tables(old)
        for key, value in getattr(old, table)
        if value != getattr(getattr(new, table), key)
    ]
    return Difference(
        added=added,
        removed=removed,
        changed=changed,
        handoffs_added=targets_added,
        handoffs_removed=targets_removed,
        handoffs_changed=targets_changed,
        keys=tuple(sorted(f"{table}.{key}" for table, key, is_live in keys if is_live)),
        needs_restart=tuple(sorted(f"{table}.{key}" for table, key, is_live in keys if not is_live)),
    )


def taken_up(old: Config, new: Config) -> Config:
    """The new configuration as far as a process that runs with the old one can go by it."""
    kept = {
        table: _mixed(getattr(old, table), getattr(new, table), LIVE.get(table, frozenset())) for table in _tables(old)
    }
    return new.model_copy(update=kept)


def _compared(before: Mapping[str, Section], after: Mapping[str, Section]) -> tuple[tuple[str, ...], ...]:
    """The names that are new, those that are gone, and those that mean something else."""
    changed = (name for name in before.keys() & after.keys() if before[name] != after[name])
    return tuple(
        tuple(sorted(names)) for names in (after.keys() - before.keys(), before.keys() - after.keys(), changed)
    )


def _mixed(old: Section, new: Section, live: frozenset[str]) -> Section:
    return old.model_copy(update={key: getattr(new, key) for key in live})


def _tables(config: Config) -> list[str]:
    return [name for name, value in config if isinstance(value, Section)]
