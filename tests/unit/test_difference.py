"""What differs between two configurations, and what of it a running process takes up."""

from pathlib import Path
from typing import Any

import pytest

from schemas.config import (
    Config,
    Data,
    Database,
    Operators,
    Receiver,
    Reconciler,
    Retention,
    Secret,
    Source,
)
from schemas.config.difference import LIVE, Difference, difference, taken_up
from schemas.config.written import SECTIONS


def source(name: str = "gateway", **changes: Any) -> Source:
    keys: dict[str, Any] = {
        "name": name,
        "dialect": "phaseo",
        "base_url": "https://gateway.example/v1",
        "api_key": Secret("key_for_nobody_at_all"),
        "webhook_secrets": (Secret("whsec_0123456789abcdef"),),
        "tolerance_seconds": 300,
        "delivery_window_seconds": 2_700,
        "webhook_events": ("batch.completed",),
    }
    return Source(**{**keys, **changes})


def config(*sources: Source, **sections: Any) -> Config:
    return Config(path=Path("none.toml"), sources={one.name: one for one in sources or (source(),)}, **sections)


OLD = config(source(), source("other"))

CASES: dict[str, tuple[Config, Difference]] = {
    "nothing": (config(source(), source("other")), Difference()),
    "a source more": (config(source(), source("other"), source("new")), Difference(added=("new",))),
    "a source less": (config(source("other")), Difference(removed=("gateway",))),
    "one for another": (config(source(), source("new")), Difference(added=("new",), removed=("other",))),
    "another secret": (
        config(source(webhook_secrets=(Secret("whsec_another_0123456789"),)), source("other")),
        Difference(changed=("gateway",)),
    ),
    "another key": (
        config(source(api_key=Secret("key_for_somebody_else")), source("other")),
        Difference(changed=("gateway",)),
    ),
    "another base URL": (
        config(source(), source("other", base_url="https://elsewhere.example/v1")),
        Difference(changed=("other",)),
    ),
    "another budget": (
        config(source(), source("other"), receiver=Receiver(refusals_per_minute=7)),
        Difference(keys=("receiver.refusals_per_minute",)),
    ),
    "a token": (
        config(source(), source("other"), operators=Operators(token=Secret("t" * 32))),
        Difference(keys=("operators.token",)),
    ),
    "two tables": (
        config(source(), source("other"), reconciler=Reconciler(poll_seconds=5.0), retention=Retention(bodies=3)),
        Difference(keys=("reconciler.poll_seconds", "retention.bodies")),
    ),
    "where it listens": (
        config(source(), source("other"), receiver=Receiver(port=1, host="::1"), operators=Operators(port=2)),
        Difference(needs_restart=("operators.port", "receiver.host", "receiver.port")),
    ),
    "another database": (
        config(source(), source("other"), database=Database(url="sqlite:///other.db"), data=Data(dir="elsewhere")),
        Difference(needs_restart=("data.dir", "database.url")),
    ),
    "some of each": (
        config(source(), receiver=Receiver(queue_limit=7, refusals_per_minute=7)),
        Difference(removed=("other",), keys=("receiver.refusals_per_minute",), needs_restart=("receiver.queue_limit",)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_differs(name: str) -> None:
    """Sources are told by name, keys by their path, and those that need a restart apart."""
    new, expected = CASES[name]

    assert difference(OLD, new) == expected


@pytest.mark.parametrize("name", CASES)
def test_all_but_what_needs_a_restart_is_taken_up(name: str) -> None:
    """What was taken up differs from the old in all that may change, and from the new in what needs a restart alone."""
    new, expected = CASES[name]
    running = taken_up(OLD, new)

    assert difference(running, new) == Difference(needs_restart=expected.needs_restart)
    assert difference(OLD, running).needs_restart == ()


def test_every_live_key_is_one() -> None:
    """The keys that are taken up are keys that the file has, or are named by it."""
    for table, keys in LIVE.items():
        fields = {name.removesuffix("_env") for name in SECTIONS[table].model_fields}
        assert keys <= fields, table


def test_nothing_of_a_secret_is_told() -> None:
    """A difference holds names alone."""
    new, _ = CASES["another secret"]

    assert "whsec" not in repr(difference(OLD, new))
