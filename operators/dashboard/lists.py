"""The pages that list: one shape for all of them, with the filters of the API, and a page at a time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import filters, handed_on, listings
from operators.dashboard.visit import Body, Page, Visit
from operators.errors import BadInput, NoSuchThing
from operators.filters import Asked, Noun
from operators.listings import Listing
from schemas.words import Status

ROWS = 30

Query = Callable[[AsyncConnection, Visit, Asked], Awaitable[Listing]]


@dataclass(frozen=True, slots=True)
class Field:
    """One filter of the form above a listing. `words`: what it can be chosen from; none for free text."""

    name: str
    meaning: str
    value: str
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class ListPage:
    """What one page lists. `first`: the filters that are in sight; the others are a click away."""

    noun: Noun
    title: str
    about: str
    nothing: str
    query: Query
    first: tuple[str, ...]
    template: str


async def _jobs(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_jobs(connection, asked)


async def _failures(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_failures(connection, asked)


async def _deliveries(connection: AsyncConnection, visit: Visit, asked: Asked) -> Listing:
    return await listings.list_deliveries(connection, visit.config, asked)


async def _receipts(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_receipts(connection, asked)


async def _refusals(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_refusals(connection, asked)


async def _groups(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_groups(connection, asked)


async def _submissions(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_submissions(connection, asked)


async def _handoffs(connection: AsyncConnection, visit: Visit, asked: Asked) -> Listing:
    return await listings.list_handoffs(connection, visit.config, asked)


async def _actions(connection: AsyncConnection, _: Visit, asked: Asked) -> Listing:
    return await listings.list_actions(connection, asked)


PAGES = (
    ListPage(
        filters.JOBS,
        "Jobs",
        "Each piece of work at a provider, the newest first.",
        "No job is known yet: `batchkeeper submit` makes one, `batchkeeper track` takes one in.",
        _jobs,
        ("source", "status", "category", "job_id_prefix"),
        "jobs.html",
    ),
    ListPage(
        filters.FAILURES,
        "Failures",
        "What went wrong with a job, in its execution, its cancellation or the delivery of the news about it.",
        "No failure holds.",
        _failures,
        ("source", "category", "code", "cleared"),
        "failures.html",
    ),
    ListPage(
        filters.DELIVERIES,
        "Deliveries",
        "Each event that a provider told us of a job, however often it came.",
        "No delivery has arrived yet; Sources says which URL to register.",
        _deliveries,
        ("source", "verdict", "job_id"),
        "deliveries.html",
    ),
    ListPage(
        filters.RECEIPTS,
        "Receipts",
        "Each accepted request. A delivery that came again has several.",
        "No request was accepted yet.",
        _receipts,
        ("delivery",),
        "receipts.html",
    ),
    ListPage(
        filters.REFUSALS,
        "Refusals",
        "Each request that was not accepted, with the reason that its sender is not told.",
        "Nothing was refused.",
        _refusals,
        ("source", "reason"),
        "refusals.html",
    ),
    ListPage(
        filters.GROUPS,
        "Groups",
        "Jobs that were submitted as one piece of work.",
        "No group yet: `batchkeeper submit` with --shard-rows, or with a large file, makes one.",
        _groups,
        ("source", "label"),
        "groups.html",
    ),
    ListPage(
        filters.SUBMISSIONS,
        "Submissions",
        "What was submitted from here, how far each part came, and when it goes on.",
        "Nothing was submitted from here yet.",
        _submissions,
        ("source", "state"),
        "submissions.html",
    ),
    ListPage(
        filters.HANDOFFS,
        "Hand-offs",
        "What downstream was told, or is to be told.",
        "Nothing has been handed on yet.",
        _handoffs,
        ("state", "target", "source"),
        "handoffs.html",
    ),
    ListPage(
        filters.ACTIONS,
        "Actions",
        "What operators and automation asked for, and what came of it.",
        "Nobody has asked for anything yet.",
        _actions,
        ("verb", "state", "source"),
        "actions.html",
    ),
)


def listed(page: ListPage) -> Body:
    """The page itself. What cannot be combined is said above the form, which stays as it was filled in."""

    async def show(visit: Visit) -> Page:
        given = {name: visit.request.query_params.getlist(name) for name in visit.query if name != "cursor"}
        values = {
            "page": page,
            "fields": _fields(page.noun, given, sorted(visit.config.sources)),
            "complaint": None,
            "found": Listing([]),
            "is_filtered": any(text for texts in given.values() for text in texts),
            "older": None,
            "is_first": "cursor" not in visit.query,
            "query": _query(given),
            **await _beside(page, visit),
        }
        try:
            asked = filters.read(page.noun, given, visit.now, ROWS, visit.query.get("cursor") or None)
            async with visit.store.reading() as connection:
                found = await page.query(connection, visit, asked)
        except (BadInput, NoSuchThing) as problem:
            return Page(page.template, {**values, "complaint": str(problem)}, 400)
        older = None if found.next is None else _query({**given, "cursor": [found.next]})
        return Page(page.template, {**values, "found": found, "older": older})

    return show


async def _beside(page: ListPage, visit: Visit) -> Mapping[str, Any]:
    """What one page shows besides its rows."""
    if page.noun is not filters.HANDOFFS:
        return {}
    async with visit.store.reading() as connection:
        return {"backlog": await handed_on.backlog(connection, visit.config)}


def _fields(noun: Noun, given: Mapping[str, Sequence[str]], sources: Sequence[str]) -> list[Field]:
    return [
        Field(name, filters.MEANINGS[name], ",".join(given.get(name, ())), _choices(noun, name, sources))
        for name in noun.filters
    ]


def _choices(noun: Noun, name: str, sources: Sequence[str]) -> Sequence[str]:
    if name == "status":
        return [status.value for status in Status]
    return sources if name == "source" else noun.words(name)


def _query(given: Mapping[str, Sequence[str]]) -> str:
    return urlencode([(name, text) for name, texts in given.items() for text in texts if text])
