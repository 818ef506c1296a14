"""Home: how things stand, and what to look at first. Everything from counters and from the ends of indexes."""

from collections.abc import Sequence
from typing import Any

from operators import filters, listings, views
from operators.dashboard import numbers
from operators.dashboard.charts import SPANS, Chart, Span, chart
from operators.dashboard.failure_words import is_as_asked
from operators.dashboard.visit import Page, Visit
from operators.status import status
from operators.submitted import STATES
from operators.views import View
from schemas.times import parse_rfc3339
from schemas.words import OPEN, Category, Status
from storage import jobs
from storage.past import Spread

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
        look = await visit.store.past.look(connection, now)
        stands = await status(connection, visit.store, config, now, look)
        waiting = await jobs.waiting_longest(connection, config.sources, FEW)
        held = await listings.failures_by_job(connection, [row.id for row in waiting])
        failing = await listings.list_failures(connection, filters.read(filters.FAILURES, {}, now, 2 * FEW))
    kept = numbers.failures_held(stands["failures"])
    return Page(
        "home.html",
        {
            "stands": stands,
            "open_jobs": sum(stands["jobs"][word.value] for word in OPEN),
            "held": kept,
            "asking": numbers.asking_trouble(stands["trouble"], stands["submissions"]),
            "failing": [one for one in failing.rows if not is_as_asked(one["code"])][:FEW],
            "waiting": _oldest(
                [views.job_whole(row, held.get(row.id, ())) for row in waiting], stands["submissions"]["longest"]
            ),
            "not_jobs_yet": f"/submissions?state={','.join(STATES)}",
            "dead": sum(one["dead"] for one in stands["handoffs"]),
            "span": span,
            "spans": SPANS.values(),
            "charts": _charts(look.spread(span.length, span.width), span, now),
            "is_good": _is_good(kept, stands),
        },
    )


def _oldest(jobs: Sequence[View], submissions: Sequence[View]) -> list[tuple[str, View]]:
    """What has waited longest for a result, be it a job already or not, with the word for what it is."""
    both = [*(("job", one) for one in jobs), *(("submission", one) for one in submissions)]
    return sorted(both, key=lambda each: parse_rfc3339(each[1]["created_at"]) or 0)[:FEW]


def _is_good(held: Sequence[numbers.Held], stands: View) -> bool:
    trouble = stands["trouble"]
    is_kept = all(one["owner"] for one in stands["sources"])
    held_up = stands["submissions"]["held_up"]
    wrong = (*(one.count for one in held), *trouble["sources"], *trouble["jobs"], *stands["findings"], held_up)
    return is_kept and not any(wrong) and not any(one["dead"] for one in stands["handoffs"])


def _charts(spread: Spread, span: Span, now: int) -> list[Chart]:
    received = {
        "accepted": ("accepted", lambda what: what == "accepted"),
        "refused": ("refused", lambda what: what.startswith("refused.")),
    }
    ended = {status.value: (words, _ended(status.value)) for status, words in _ENDS}
    found = {category.value: (category.value, _began(category.value)) for category in Category}
    return [
        chart("Requests received", received, spread, span, now),
        chart("Jobs ended", ended, spread, span, now),
        chart("Failures found", found, spread, span, now),
    ]


def _ended(status: str) -> Any:
    return lambda what: what.startswith("moved.") and what.endswith(f".{status}")


def _began(category: str) -> Any:
    return lambda what: what.startswith(f"began.{category}.") and not is_as_asked(what.rpartition(".")[2])
