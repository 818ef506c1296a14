"""Home: how things stand, and what to look at first. Everything from counters and from the ends of indexes."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import filters, handed_on, listings, views
from operators.dashboard import numbers
from operators.dashboard.charts import SPANS, Chart, Span, chart
from operators.dashboard.failure_words import is_as_asked
from operators.dashboard.health import Health, healths
from operators.dashboard.visit import Page, Visit
from operators.owners import source_owners
from schemas.config import Config
from schemas.times import DAY
from schemas.words import Category, HandoffState, Status
from storage import counting, jobs, sources

FEW = 6
_ENDS = (
    (Status.COMPLETED, "completed"),
    (Status.FAILED, "failed"),
    (Status.CANCELLED, "cancelled"),
    (Status.EXPIRED, "expired"),
)


async def home(visit: Visit) -> Page:
    span = SPANS.get(visit.query.get("span", ""), SPANS["day"])
    config, now = visit.config, visit.now
    async with visit.store.reading() as connection:
        totals = await counting.totals(connection)
        day = await visit.store.past.lately_by_hour(connection, now - DAY, now)
        tallies = await visit.store.past.spread(connection, now - span.length, now, span.width)
        waiting = await jobs.waiting_longest(connection, config.sources, FEW)
        held = await listings.failures_by_job(connection, [row.id for row in waiting])
        asking = await listings.list_jobs(connection, filters.read(filters.JOBS, {"trouble": ["true"]}, now, FEW))
        failing = await listings.list_failures(connection, filters.read(filters.FAILURES, {}, now, 2 * FEW))
        dead = await listings.list_handoffs(
            connection, config, filters.read(filters.HANDOFFS, {"state": [HandoffState.DEAD.value]}, now, FEW)
        )
        backlog = await handed_on.backlog(connection, config, totals)
        health = await sources_health(connection, config, day, now, visit.lease_clock())
    by_status = numbers.jobs_by_status(totals)
    kept = numbers.failures_held(totals)
    asking_worries = [one for one in health if any(worry.kind == "asking" for worry in one.worries)]
    return Page(
        "home.html",
        {
            "by_status": by_status,
            "open_jobs": numbers.open_jobs(by_status),
            "all_jobs": sum(by_status.values()),
            "held": kept,
            "asking": asking,
            "asking_sources": asking_worries,
            "failing": [one for one in failing.rows if not is_as_asked(one["code"])][:FEW],
            "waiting": [views.job_whole(row, held.get(row.id, ())) for row in waiting],
            "requests": numbers.requests_of(day),
            "health": health,
            "dead": dead,
            "backlog": backlog,
            "span": span,
            "spans": SPANS.values(),
            "charts": _charts(tallies, span, now),
            "is_good": _is_good(kept, asking, asking_worries, health, dead),
        },
    )


async def sources_health(
    connection: AsyncConnection, config: Config, counted: Mapping[tuple[str, str], int], now: int, clock: Any
) -> list[Health]:
    rows = {row.name: row for row in await sources.all_of_them(connection)}
    return healths(config.sources, rows, await source_owners(connection, config, clock), counted, now)


def _is_good(
    held: Sequence[numbers.Held],
    asking: listings.Listing,
    sources: Sequence[Health],
    health: Sequence[Health],
    dead: listings.Listing,
) -> bool:
    worried = any(one.worries for one in health)
    return not (any(one.count for one in held) or asking.rows or sources or worried or dead.rows)


def _charts(tallies: Sequence[counting.Tally], span: Span, now: int) -> list[Chart]:
    received = {
        "accepted": ("accepted", lambda what: what == "accepted"),
        "refused": ("refused", lambda what: what.startswith("refused.")),
    }
    ended = {status.value: (words, _ended(status.value)) for status, words in _ENDS}
    found = {category.value: (category.value, _began(category.value)) for category in Category}
    return [
        chart("Requests received", received, tallies, span, now),
        chart("Jobs ended", ended, tallies, span, now),
        chart("Failures found", found, tallies, span, now),
    ]


def _ended(status: str) -> Any:
    return lambda what: what.startswith("moved.") and what.endswith(f".{status}")


def _began(category: str) -> Any:
    return lambda what: what.startswith(f"began.{category}.") and not is_as_asked(what.rpartition(".")[2])
