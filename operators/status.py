"""Status: how things stand, at a glance. Told from what was counted, and from the first few of what is wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import filters, listings, submitted, views
from operators.owners import source_owners
from operators.standing import standing
from operators.views import View
from schemas.config import Config, Source
from schemas.tables import SourceRow
from schemas.times import SECOND, rfc3339, rfc3339_or_none
from schemas.words import Category, HandoffState, Status
from storage import counting, handoffs, sources
from storage.listing import Part
from storage.past import Look
from storage.standing import Totals, failures_now, handoffs_now, jobs_now
from storage.store import Store

FIRST_FEW = 10
RECEIVED = ("accepted", "duplicate", "unreadable", "refused", "taken_in")
VERSION = version("batchkeeper")  # read once: it is looked for among files


async def status(connection: AsyncConnection, store: Store, config: Config, now: int, look: Look | None = None) -> View:
    """
    How things stand `now`. `look` is the store's look back from then, for whoever has it already.

    What was received in the last hour is told by whole minutes, in the last day by whole hours.
    """
    totals = await counting.totals(connection)
    lately = _lately(look or await store.past.look(connection, now))
    known = {row.name: row for row in await sources.all_of_them(connection)}
    return {
        "at": rfc3339(now),
        "version": VERSION,
        "database": config.database.shown,
        "jobs": _jobs(totals),
        "failures": _failures(totals),
        "findings": await standing(connection, config.sources),
        "trouble": await _trouble(connection, known.values()),
        "submissions": await submitted.waiting(connection, now),
        "deliveries": {
            "last_hour": received(lately.hour),
            "last_day": received(lately.day),
        },
        "handoffs": await _handoffs(connection, config, totals),
        "sources": await _sources(connection, config, known, lately, now, store.engine.lease_clock(now)),
    }


@dataclass(frozen=True, slots=True)
class Lately:
    """What was counted in the last hour, and in the last day."""

    hour: Totals
    day: Totals


def _lately(look: Look) -> Lately:
    return Lately(look.last_hour, look.last_day)


def received(counted: Totals, source: str | None = None) -> View:
    """What came, by what was counted of one source or of all. `accepted` are all that were taken, those that brought a known
    delivery once more (`duplicate`) and those that could not be read among them; every other request was refused. Of those,
    then or before, `taken_in` were taken in by reverify."""
    words, reasons = Counter[str](), Counter[str]()
    for (name, what), number in counted.items():
        kind, _, reason = what.partition(".")
        if source in (None, name):
            words[kind] += number
            if kind == "refused":
                reasons[reason] += number
    mostly = max(sorted(reasons), key=lambda reason: reasons[reason], default=None)
    return {word: words[word] for word in RECEIVED} | {"mostly_refused_for": mostly}


async def sources_health(connection: AsyncConnection, store: Store, config: Config, now: int) -> list[View]:
    """Every configured source in short."""
    known = {row.name: row for row in await sources.all_of_them(connection)}
    lately = _lately(await store.past.look(connection, now))
    return await _sources(connection, config, known, lately, now, store.engine.lease_clock(now))


def _jobs(totals: Totals) -> View:
    found = Counter[str]()
    for (_, status_), number in jobs_now(totals).items():
        found[status_] += number
    return {word.value: found[word.value] for word in Status}


def _failures(totals: Totals) -> View:
    """Those that hold, by category and within it by code."""
    found: dict[str, Counter[str]] = {category.value: Counter() for category in Category}
    for (_, category, code), number in failures_now(totals).items():
        found[category][code] += number
    return {category: dict(sorted(codes.items())) for category, codes in found.items()}


async def _trouble(connection: AsyncConnection, known: Iterable[SourceRow]) -> View:
    """What our own asking has trouble with: no failure of any job."""
    asked = filters.Asked(filters.JOBS, Part(FIRST_FEW), {"trouble": "true"})
    found = await listings.list_jobs(connection, asked)
    return {
        "sources": [_source_in_trouble(row) for row in known if row.trouble is not None],
        "jobs": found.rows,
        "more_jobs": found.is_cut,
    }


def _source_in_trouble(row: SourceRow) -> View:
    return {
        "name": row.name,
        "trouble": row.trouble,
        "message": row.trouble_message,
        "since": rfc3339_or_none(row.trouble_since),
        "asking_again_at": rfc3339_or_none(row.asking_again_at),
    }


async def _handoffs(connection: AsyncConnection, config: Config, totals: Totals) -> list[View]:
    """Each target that is configured, or that something is left for."""
    counted = handoffs_now(totals)
    left = {target for target, state in counted if state in (HandoffState.WAITING, HandoffState.DEAD)}
    return [
        {
            "target": target,
            "target_configured": target in config.handoffs,
            "waiting": counted.get((target, HandoffState.WAITING.value), 0),
            "dead": counted.get((target, HandoffState.DEAD.value), 0),
            "oldest_made_at": rfc3339_or_none(await handoffs.oldest_waiting(connection, target)),
        }
        for target in sorted({*config.handoffs, *left})
    ]


async def _sources(
    connection: AsyncConnection,
    config: Config,
    known: Mapping[str, SourceRow],
    lately: Lately,
    now: int,
    lease_clock: Any,
) -> list[View]:
    owners = await source_owners(connection, config, lease_clock)
    return [
        health(source, known.get(name), lately, owners.get(name), now)
        for name, source in sorted(config.sources.items())
    ]


def health(source: Source, row: SourceRow | None, lately: Lately, owner: str | None, now: int) -> View:
    """A source in short. `unheard_ends`: jobs that we saw end, by asking, since anything of it was accepted."""
    row = row or SourceRow(name=source.name, dialect=source.dialect, listening_since=now)
    return {
        "name": source.name,
        "dialect": source.dialect,
        "webhook": source.webhook,
        "owner": owner,
        "trouble": row.trouble,
        "circuit": views.circuit(row, now),
        "heard_at": rfc3339_or_none(row.heard_at),
        "unheard_ends": row.unheard_ends,
        "unheard_since": rfc3339_or_none(row.unheard_since),
        "last_answer_at": rfc3339_or_none(row.last_answer_at),
        "clock_ahead_seconds": None if row.clock_ahead is None else row.clock_ahead / SECOND,
        "last_hour": received(lately.hour, source.name),
        "last_day": received(lately.day, source.name),
    }
