"""Every combination of filters that a listing documents is answered from an index, in order, and no further than its page."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from stored import NOON, Plan, Run, a_job, a_receipt

from operators import filters, listings
from operators.filters import NOUNS, Noun
from schemas.config import Config, Source
from schemas.config.secret import Secret
from schemas.ids import shown
from storage.store import Store

# Of one job, one group or one delivery there is little, and that may be sorted.
FEW = {"job", "job_id", "group", "delivery"}
VALUES = {
    "source": "acme",
    "kind": "batch",
    "label": "team=search",
    "group": shown("grp", 5),
    "delivery": shown("dlv", 5),
}
CASES = [(noun, names) for noun in NOUNS.values() for names in noun.combinations]


def config() -> Config:
    key = Secret("phaseo_v1_sk_a_b")
    acme = Source(
        name="acme",
        dialect="phaseo",
        base_url="https://api.example",
        api_key=key,
        tolerance_seconds=300,
        delivery_window_seconds=60,
        webhook_events=("batch.completed",),
    )
    return Config(path=Path("batchkeeper.toml"), sources={"acme": acme})


async def listed(connection: AsyncConnection, asked: filters.Asked) -> listings.Listing:
    query: Any = getattr(listings, f"list_{asked.noun.name}")
    with_config = asked.noun.name in ("deliveries", "handoffs")
    found: listings.Listing = await (query(connection, config(), asked) if with_config else query(connection, asked))
    return found


def value(noun: Noun, name: str, job: str) -> str:
    words = noun.words(name)
    return words[0] if words else VALUES.get(name, "failed" if name == "status" else job)


async def a_row(store: Store, noun: Noun) -> int:
    return (await a_job(store)).id if noun is filters.JOBS else (await a_receipt(store)).delivery_id


def disordered(steps: str) -> list[str]:
    """What is read from end to end, or sorted."""
    lines = steps.splitlines()
    return [line for line in lines if "TEMP B-TREE" in line or re.search(r"SCAN (?!CONSTANT|\(subquery|anon_)", line)]


@pytest.mark.parametrize(("noun", "names"), CASES, ids=lambda one: getattr(one, "name", None) or "+".join(sorted(one)))
def test_every_combination(store: Store, run: Run, plan: Plan, noun: Noun, names: frozenset[str]) -> None:
    """A page of it, after a cursor and within two times, costs what the page holds."""

    async def a_name() -> str:
        return (await a_job(store)).job_id

    job = run(a_name())
    given = {name: [value(noun, name, job)] for name in names}
    times = {} if "job_id_prefix" in names else {"since": ["30d"], "until": ["1m"]}
    # One by the provider's id goes on after a row that has to be there.
    cursor = run(a_row(store, noun)) if "job_id_prefix" in names else 1 << 62
    asked = filters.read(noun, given | times, NOON, 10, shown(noun.prefix, cursor))

    for steps in plan(listed, asked):
        wrong = disordered(steps)
        assert not [line for line in wrong if "SCAN" in line], steps
        assert not wrong or names & FEW, steps
        # By the time alone, every row would be read that the filters leave out.
        assert not names or "INTEGER PRIMARY KEY (rowid>? AND rowid<?)" not in steps, steps


@pytest.mark.parametrize(
    ("names", "index"),
    [
        ({"verdict": "conflict"}, "ix_deliveries_odd (verdict=? AND id<?)"),
        ({"verdict": "unreadable", "source": "acme"}, "ix_deliveries_source_odd (source=? AND verdict=? AND id<?)"),
        ({"group": shown("grp", 5)}, "ix_jobs_group (group_id=? AND id<?)"),
    ],
)
def test_the_index_that_was_made_for_it(plan: Plan, names: dict[str, str], index: str) -> None:
    """What is rare is found by an index that has little else."""
    noun = filters.JOBS if "group" in names else filters.DELIVERIES
    asked = filters.read(noun, {name: [text] for name, text in names.items()}, NOON, 10, shown(noun.prefix, 1 << 62))

    (steps, *_) = plan(listed, asked)

    assert index in steps
    assert not disordered(steps)
