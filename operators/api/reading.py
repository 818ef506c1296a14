"""What the API tells: the listing of every noun, each thing by its id, and how things stand."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from operators import auditing, fan_out, filters, handed_on, listings, queries, status, things
from operators.api.operations import Operation, Schema
from operators.api.parameters import (
    OF_AUDIT,
    OF_SOURCE,
    asked_for,
    of_listing,
    of_page,
    of_path,
    page_of,
    page_of_audit,
    refuse_query,
)
from operators.api.shapes.words import an_id, many, maybe, named, thing
from operators.filters import Asked, Noun
from operators.listings import Listing
from operators.once import Answer
from operators.refused import show_refusal
from operators.standing import standing
from operators.views import View
from schemas.config import Config
from storage.store import Store

Lists = Callable[[AsyncConnection, Config, Asked], Awaitable[Listing]]
Shows = Callable[[AsyncConnection, str], Awaitable[View]]


class Reading:
    """`configured` answers with the configuration that holds now, `now` in microseconds."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now

    def operations(self) -> list[Operation]:
        """In the order in which paths are tried."""
        return [
            self._listing(filters.JOBS, _plain(listings.list_jobs), "Job"),
            self._one("/jobs/{job}/explain", "explain_job", "What is known about a job, and why", "JobExplained", self._explain),
            self._one("/jobs/{job}", "show_job", "Everything that is kept about a job", "JobWhole", self._job),
            self._listing(filters.DELIVERIES, listings.list_deliveries, "Delivery"),
            self._thing("delivery", "deliveries", "dlv", "A delivery with its receipts", "DeliveryOf", things.show_delivery),
            self._listing(filters.RECEIPTS, _plain(listings.list_receipts), "ReceiptOf"),
            self._thing("receipt", "receipts", "rcp", "An accepted request", "ReceiptWhole", things.show_receipt),
            self._listing(filters.FAILURES, _plain(listings.list_failures), "Failure"),
            self._thing("failure", "failures", "fail", "A failure with its evidence", "Failure", things.show_failure),
            self._listing(filters.REFUSALS, _plain(listings.list_refusals), "Refusal"),
            self._thing(
                "refusal", "refusals", "ref", "A request that was not accepted, with what it presented", "RefusalWhole",
                show_refusal,
            ),
            self._listing(filters.GROUPS, _plain(listings.list_groups), "Group"),
            self._group(),
            self._listing(filters.SUBMISSIONS, _plain(listings.list_submissions), "Submission"),
            self._thing(
                "submission", "submissions", "sub", "A submission, and what came of it", "SubmissionWhole",
                things.show_submission,
            ),
            self._handoffs(),
            self._one(
                "/handoffs/{handoff}", "show_handoff", "A hand-off with its event", "HandoffWhole", self._handoff, "hnd"
            ),
            self._listing(filters.ACTIONS, _plain(listings.list_actions), "ActionOf"),
            self._thing("action", "actions", "act", "Something that was asked for", "ActionOf", things.show_action),
            self._sources(),
            self._one("/sources/{source}", "show_source", "A configured source", "Source", self._source),
            self._findings(),
            self._thing("finding", "findings", "fnd", "A finding about a source", "SourceFinding", things.show_finding),
            self._audit(),
            self._status(),
        ]  # fmt: skip

    def _listing(self, noun: Noun, rows: Lists, shape: str) -> Operation:
        async def respond(request: Request) -> Answer:
            asked = asked_for(request, noun, self._now())
            config = self._configured()
            async with self._store.reading() as connection:
                found = await rows(connection, config, asked)
            _must_be_known(config, asked, found)
            return Answer(200, _told(asked, found))

        return _of_noun(noun, respond, {noun.name: many(named(shape))})

    def _handoffs(self) -> Operation:
        async def respond(request: Request) -> Answer:
            asked, config = asked_for(request, filters.HANDOFFS, self._now()), self._configured()
            async with self._store.reading() as connection:
                found = await listings.list_handoffs(connection, config, asked)
                _must_be_known(config, asked, found)
                return Answer(200, {**_told(asked, found), "backlog": await handed_on.backlog(connection, config)})

        members = {"handoffs": many(named("Handoff")), "backlog": many(named("Backlog"))}
        return _of_noun(filters.HANDOFFS, respond, members)

    def _group(self) -> Operation:
        """The one thing of which there can be much: its members are told a page at a time."""

        async def respond(request: Request) -> Answer:
            limit, cursor = page_of(request)
            async with self._store.reading() as connection:
                return Answer(200, await fan_out.show_group(connection, request.path_params["group"], limit, cursor))

        summary, parameters = (
            "A group with its members, in the order of their rows",
            (of_path("group", "grp"), *of_page("sub")),
        )
        shape = {200: named("GroupWhole")}
        return Operation("GET", "/groups/{group}", "show_group", summary, respond, shape, (400, 404), parameters)

    def _thing(self, noun: str, path: str, prefix: str, summary: str, shape: str, show: Shows) -> Operation:
        """One thing that its id alone tells."""
        return self._one(f"/{path}/{{{noun}}}", f"show_{noun}", summary, shape, show, prefix)

    def _one(self, path: str, name: str, summary: str, shape: str, show: Shows, prefix: str | None = None) -> Operation:
        """One thing. Only names, which are no ids, can mean several."""
        variable = path.partition("{")[2].partition("}")[0]

        async def respond(request: Request) -> Answer:
            refuse_query(request)
            async with self._store.reading() as connection:
                return Answer(200, await show(connection, request.path_params[variable]))

        refuses = (400, 404) if prefix else (400, 404, 409)
        parameters = (of_path(variable, prefix),)
        return Operation("GET", path, name, summary, respond, {200: named(shape)}, refuses, parameters)

    def _sources(self) -> Operation:
        async def respond(request: Request) -> Answer:
            refuse_query(request)
            async with self._store.reading() as connection:
                rows = await queries.list_sources(connection, self._configured(), self._now(), self._clock())
            return Answer(200, {"sources": rows, "next": None})

        shape = thing(sources=many(named("Source")), next={"type": "null"})
        summary = "Every configured source, with the URL to register"
        return Operation("GET", "/sources", "list_sources", summary, respond, {200: shape}, (400,))

    def _findings(self) -> Operation:
        async def respond(request: Request) -> Answer:
            names = self._sources_asked_for(request)
            refuse_query(request, but=("source",))
            async with self._store.reading() as connection:
                return Answer(200, {"findings": await standing(connection, names), "next": None})

        shape = thing(findings=many(named("SourceFinding")), next={"type": "null"})
        summary = "The findings that stand against sources now"
        return Operation("GET", "/findings", "list_findings", summary, respond, {200: shape}, (400, 404), (OF_SOURCE,))

    def _audit(self) -> Operation:
        async def respond(request: Request) -> Answer:
            names, page = self._sources_asked_for(request), page_of_audit(request, self._now())
            async with self._store.reading() as connection:
                found = await auditing.list_differences(connection, page.scope, page.limit, page.cursor)
                told = {"differences": found.rows, "findings": await standing(connection, names), "next": found.next}
                return Answer(200, told)

        cursor = {"anyOf": [*(an_id(sort.prefix) for sort in auditing.SORTS), {"type": "null"}]}
        shape = thing(differences=many(named("Difference")), findings=many(named("SourceFinding")), next=cursor)
        summary = "Every difference between the provider's ledger of its deliveries and ours"
        about = (
            "A page is of so many rows that may tell of a difference, and has those that do: there may be fewer than `limit`, or "
            "none, and more on the next one."
        )
        return Operation("GET", "/audit", "audit", summary, respond, {200: shape}, (400, 404), OF_AUDIT, about=about)

    def _sources_asked_for(self, request: Request) -> list[str]:
        """The one that a query names, or all of them. Raises NoSuchThing."""
        config = self._configured()
        for name in request.query_params.getlist("source"):
            things.must_be_source(config, name)
        return request.query_params.getlist("source")[:1] or sorted(config.sources)

    def _status(self) -> Operation:
        async def respond(request: Request) -> Answer:
            refuse_query(request)
            async with self._store.reading() as connection:
                return Answer(200, await status.status(connection, self._store, self._configured(), self._now()))

        return Operation(
            "GET", "/status", "status", "How things stand, at a glance", respond, {200: named("Status")}, (400,)
        )

    async def _job(self, connection: AsyncConnection, name: str) -> View:
        return await queries.show_job(connection, self._configured(), name, self._now())

    async def _explain(self, connection: AsyncConnection, name: str) -> View:
        return await queries.explain_job(connection, self._configured(), name, self._now(), self._clock())

    async def _handoff(self, connection: AsyncConnection, name: str) -> View:
        return await handed_on.show_handoff(connection, self._configured(), name)

    async def _source(self, connection: AsyncConnection, name: str) -> View:
        return await things.show_source(connection, self._configured(), name, self._now(), self._clock())

    def _clock(self) -> Any:
        return self._store.engine.lease_clock(self._now())


def _plain(rows: Callable[[AsyncConnection, Asked], Awaitable[Listing]]) -> Lists:
    """A listing that needs no configuration."""

    async def listed(connection: AsyncConnection, _: Config, asked: Asked) -> Listing:
        return await rows(connection, asked)

    return listed


def _must_be_known(config: Config, asked: Asked, found: Listing) -> None:
    """Raise NoSuchThing for a source that is not configured, and of which there is nothing: a slip of the pen. One that is
    configured no more still has what is of it."""
    if "source" in asked.by and asked.part.before is None and not found.rows:
        things.must_be_source(config, asked.by["source"])


def _told(asked: Asked, found: Listing) -> View:
    return {asked.noun.name: found.rows, "next": found.next}


def _of_noun(noun: Noun, respond: Callable[[Request], Awaitable[Answer]], members: Mapping[str, Schema]) -> Operation:
    shape = thing(**{name: dict(schema) for name, schema in members.items()}, next=maybe(an_id(noun.prefix)))
    unknown = ((404,) if "source" in noun.filters else ()) + ((409,) if "job" in noun.filters else ())
    return Operation(
        "GET",
        f"/{noun.name}",
        f"list_{noun.name}",
        f"The {noun.name}, newest first",
        respond,
        {200: shape},
        (400, *unknown),
        of_listing(noun),
        combinations=noun.combinations,
    )
