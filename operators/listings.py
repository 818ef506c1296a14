"""The listings that operators ask for: newest first, narrowed by filters, a page at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import filters, views
from operators.errors import BadInput
from operators.fan_out import summaries
from operators.filters import Asked
from operators.find import find_job
from operators.views import View
from schemas.config import Config
from schemas.dialects import dialect_of
from schemas.ids import parse
from schemas.tables import FailureRow, GroupRow, JobRow
from storage import actions, deliveries, failures, groups, handoffs, jobs, refusals, refused_requests, submissions
from storage.jobs import Identity

Row = TypeVar("Row")
_PORTION = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """Some rows of a listing, and the cursor that goes on after them; None: there is nothing more."""

    rows: list[View]
    next: str | None = None

    @property
    def is_cut(self) -> bool:
        return self.next is not None


async def list_jobs(connection: AsyncConnection, asked: Asked) -> Listing:
    found, cursor = _page(asked, await jobs_of(connection, replace(asked, part=asked.part.and_one)), lambda row: row.id)
    held = await failures_by_job(connection, [row.id for row in found])
    return Listing([views.job(row, held.get(row.id, ())) for row in found], cursor)


async def jobs_of(connection: AsyncConnection, asked: Asked) -> list[JobRow]:
    """The rows of a part of the listing of jobs."""
    by, part, label = asked.by, asked.part, asked.label()
    source = by.get("source")
    if "job_id_prefix" in by:
        _must_be_there(asked, part.before is None or await jobs.get(connection, part.before) is not None)
        return await jobs.with_prefix(connection, part, by["job_id_prefix"], source)
    if "job_id" in by:
        return _within(await jobs.named(connection, by["job_id"], source), asked, lambda row: row.id)
    if "group" in by:
        return await jobs.newest_of_group(connection, part, parse(by["group"], "grp") or 0)
    if label:
        return await jobs.labelled(connection, part, *label)
    if "category" in by or "code" in by:
        return await jobs.failing(connection, part, by.get("category"), by.get("code"), source)
    return await jobs.newest(connection, part, source, by.get("kind"), asked.statuses, "trouble" in by)


async def list_deliveries(connection: AsyncConnection, config: Config, asked: Asked) -> Listing:
    by, part = asked.by, asked.part.and_one
    if "job" in by:
        job = await find_job(connection, by["job"])
        rows = await deliveries.named(connection, part, [job.source], [job.kind], job.job_id)
    elif "job_id_prefix" in by:
        _must_be_there(asked, part.before is None or await deliveries.get(connection, part.before) is not None)
        rows = await deliveries.with_prefix(connection, part, by["source"], by["kind"], by["job_id_prefix"])
    elif "job_id" in by:
        sources = [by["source"]] if "source" in by else sorted(config.sources)
        kinds = [by["kind"]] if "kind" in by else _kinds(config)
        rows = await deliveries.named(connection, part, sources, kinds, by["job_id"])
    else:
        rows = await deliveries.newest(connection, part, by.get("source"), by.get("verdict"))
    found, cursor = _page(asked, rows, lambda row: row.id)
    return Listing([views.delivery(row) for row in found], cursor)


async def list_receipts(connection: AsyncConnection, asked: Asked) -> Listing:
    delivery = parse(asked.by.get("delivery", ""), "dlv")
    rows = await deliveries.newest_receipts(connection, asked.part.and_one, delivery)
    found, cursor = _page(asked, rows, lambda row: row.id)
    return Listing([views.receipt_whole(row) for row in found], cursor)


async def list_failures(connection: AsyncConnection, asked: Asked) -> Listing:
    by, part = asked.by, asked.part.and_one
    if "job" in by:
        job = await find_job(connection, by["job"])
        about = Identity(job.id, job.source, job.kind, job.job_id)
        rows = [(row, about) for row in await failures.of_job(connection, job.id)]
        kept = [pair for pair in rows if "cleared" in by or pair[0].cleared_at is None]
        chosen = _within(kept, asked, lambda pair: pair[0].id)
    else:
        chosen = await failures.newest(
            connection, part, by.get("source"), by.get("category"), by.get("code"), "cleared" in by
        )
    found, cursor = _page(asked, chosen, lambda pair: pair[0].id)
    return Listing([views.failure(row, job) for row, job in found], cursor)


async def list_refusals(connection: AsyncConnection, asked: Asked) -> Listing:
    rows = await refusals.newest(connection, asked.part.and_one, asked.by.get("source"), asked.by.get("reason"))
    found, cursor = _page(asked, rows, lambda row: row.id)
    taken_in = await refused_requests.taken_in(connection, [row.id for row in found]) if found else {}
    return Listing([views.refusal(row, taken_in.get(row.id)) for row in found], cursor)


async def list_groups(connection: AsyncConnection, asked: Asked) -> Listing:
    label, part = asked.label(), asked.part.and_one
    rows: list[GroupRow]
    if label:
        rows = await groups.labelled(connection, part, *label)
    else:
        rows = await groups.newest(connection, part, asked.by.get("source"))
    found, cursor = _page(asked, rows, lambda row: row.id)
    return Listing(await summaries(connection, found), cursor)


async def list_submissions(connection: AsyncConnection, asked: Asked) -> Listing:
    states = asked.by["state"].split(",") if "state" in asked.by else []
    rows = await submissions.newest(connection, asked.part.and_one, asked.by.get("source"), states)
    found, cursor = _page(asked, rows, lambda row: row.id)
    return Listing([views.submission(row) for row in found], cursor)


async def list_handoffs(connection: AsyncConnection, config: Config, asked: Asked) -> Listing:
    by = asked.by
    if "job" in by:
        job = await find_job(connection, by["job"])
        rows = _within(await handoffs.of_job(connection, job.id), asked, lambda row: row.id)
    else:
        rows = await handoffs.newest(
            connection, asked.part.and_one, by.get("state"), by.get("target"), by.get("source")
        )
    found, cursor = _page(asked, rows, lambda row: row.id)
    return Listing([views.handoff(row, row.target in config.handoffs) for row in found], cursor)


async def list_actions(connection: AsyncConnection, asked: Asked) -> Listing:
    by, job = asked.by, None
    if "job" in by:
        job = (await find_job(connection, by["job"])).id
    rows = await actions.newest(connection, asked.part.and_one, by.get("source"), by.get("verb"), by.get("state"), job)
    found, cursor = _page(asked, rows, lambda row: row.id)
    about = await jobs.identities(connection, {row.job for row in found})
    return Listing([views.action_of(row, about[row.job]) for row in found], cursor)


async def failures_by_job(connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, list[FailureRow]]:
    """The failures that hold now, asked for in portions: a statement takes only so many values."""
    held: dict[int, list[FailureRow]] = {}
    for start in range(0, len(numbers), _PORTION):
        for row in await failures.of_jobs(connection, numbers[start : start + _PORTION]):
            held.setdefault(row.job, []).append(row)
    return held


def _must_be_there(asked: Asked, is_there: bool) -> None:
    """A listing by a provider's id goes on after a row, which therefore must be known; else it would begin anew."""
    if not is_there:
        raise BadInput(
            f"the row that the cursor names is not there any more; list the {asked.noun.name} from the start"
        )


def _page(asked: Asked, rows: Sequence[Row], number: Callable[[Row], int]) -> tuple[list[Row], str | None]:
    """The rows of a page, of which one more was asked for, and the cursor after them."""
    limit = asked.part.limit
    if limit is None or len(rows) <= limit:
        return list(rows), None
    return list(rows[:limit]), filters.written(asked.noun, number(rows[limit - 1]))


def _within(rows: Iterable[Row], asked: Asked, number: Callable[[Row], int]) -> list[Row]:
    """Of few rows that were all read: those of the part, newest first."""
    return [row for row in sorted(rows, key=number, reverse=True) if asked.part.holds(number(row))]


def _kinds(config: Config) -> list[str]:
    return sorted({kind for source in config.sources.values() for kind in dialect_of(source).kinds})
