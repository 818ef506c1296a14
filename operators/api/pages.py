"""What each path of the operators' app answers with, and how its parameters are read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request

from operators import fan_out, filters, handed_on, listings, queries
from operators.errors import BadInput, NoSuchThing
from operators.filters import LIMIT, MOST, Asked, Noun
from operators.listings import Listing
from operators.views import View
from schemas.config import Config
from schemas.texts import clean
from storage.store import Store

Page = Callable[[Request], Awaitable[object]]


class Pages:
    """`configured` answers with the configuration that holds now. Each page raises a Problem for what it refuses."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now

    def by_path(self) -> Mapping[str, Page]:
        """Each page below /api/v1, in the order in which paths are tried."""
        return {
            "/jobs": self.jobs,
            "/jobs/{job:path}/explain": self.explain,
            "/jobs/{job:path}": self.job,
            "/deliveries": self.deliveries,
            "/receipts": self.receipts,
            "/failures": self.failures,
            "/actions": self.actions,
            "/refusals": self.refusals,
            "/sources": self.sources,
            "/groups": self.groups,
            "/groups/{group}": self.group,
            "/submissions": self.submissions,
            "/handoffs": self.handoffs,
            "/handoffs/{handoff}": self.handoff,
            "/{anything:path}": _nothing,
        }

    async def jobs(self, request: Request) -> object:
        asked = self._asked(request, filters.JOBS)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_jobs(connection, asked))

    async def job(self, request: Request) -> object:
        async with self._store.reading() as connection:
            return await queries.show_job(connection, self._configured(), request.path_params["job"], self._now())

    async def explain(self, request: Request) -> object:
        async with self._store.reading() as connection:
            clock = self._store.engine.lease_clock(self._now())
            return await queries.explain_job(
                connection, self._configured(), request.path_params["job"], self._now(), clock
            )

    async def deliveries(self, request: Request) -> object:
        asked = self._asked(request, filters.DELIVERIES)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_deliveries(connection, self._configured(), asked))

    async def receipts(self, request: Request) -> object:
        asked = self._asked(request, filters.RECEIPTS)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_receipts(connection, asked))

    async def failures(self, request: Request) -> object:
        asked = self._asked(request, filters.FAILURES)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_failures(connection, asked))

    async def refusals(self, request: Request) -> object:
        asked = self._asked(request, filters.REFUSALS)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_refusals(connection, asked))

    async def actions(self, request: Request) -> object:
        asked = self._asked(request, filters.ACTIONS)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_actions(connection, asked))

    async def groups(self, request: Request) -> object:
        asked = self._asked(request, filters.GROUPS)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_groups(connection, asked))

    async def group(self, request: Request) -> object:
        async with self._store.reading() as connection:
            return await fan_out.show_group(connection, request.path_params["group"])

    async def submissions(self, request: Request) -> object:
        asked = self._asked(request, filters.SUBMISSIONS)
        async with self._store.reading() as connection:
            return _told(asked, await listings.list_submissions(connection, asked))

    async def handoffs(self, request: Request) -> object:
        asked, config = self._asked(request, filters.HANDOFFS), self._configured()
        async with self._store.reading() as connection:
            found = await listings.list_handoffs(connection, config, asked)
            return {**_told(asked, found), "backlog": await handed_on.backlog(connection, config)}

    async def handoff(self, request: Request) -> object:
        async with self._store.reading() as connection:
            return await handed_on.show_handoff(connection, self._configured(), request.path_params["handoff"])

    async def sources(self, _: Request) -> object:
        async with self._store.reading() as connection:
            clock = self._store.engine.lease_clock(self._now())
            return {"sources": await queries.list_sources(connection, self._configured(), self._now(), clock)}

    def _asked(self, request: Request, noun: Noun) -> Asked:
        given = {name: request.query_params.getlist(name) for name in request.query_params}
        for name, texts in given.items():
            if "" in texts:
                raise BadInput(f"{clean(name, 40)} is given empty; leave it out, or give it a value")
        if "statuses" in given and noun is filters.JOBS:
            given["status"] = [*given.get("status", []), *given.pop("statuses")]
        limit, cursor = given.pop("limit", []), given.pop("cursor", [])
        return filters.read(noun, given, self._now(), _limit(limit), cursor[-1] if cursor else None)


def _told(asked: Asked, found: Listing) -> View:
    return {asked.noun.name: found.rows, "next": found.next}


async def _nothing(request: Request) -> object:
    raise NoSuchThing(f"there is nothing at {request.url.path}")


def _limit(given: Sequence[str]) -> int:
    if not given:
        return LIMIT
    wished = given[-1]
    if not (wished.isascii() and wished.isdigit() and len(wished) <= 6 and 0 < int(wished) <= MOST):
        raise BadInput(f"limit is a number from 1 to {MOST}")
    return int(wished)
