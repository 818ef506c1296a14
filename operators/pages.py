"""What each path of the operators' app answers with, and how its parameters are read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request

from operators import fan_out, handed_on, queries
from operators.errors import BadInput, NoSuchThing
from operators.statuses import read_statuses
from schemas.config import Config
from schemas.words import Category, HandoffState, SubmissionState
from storage.store import Store

LIMIT, MOST = 100, 1000
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
            "/failures": self.failures,
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
        given = [text for name in ("status", "statuses") for text in request.query_params.getlist(name)]
        source, statuses = _one(request, "source"), read_statuses(given, "status")
        async with self._store.reading() as connection:
            found = await queries.list_jobs(connection, _limit(request), source, statuses)
        return {"jobs": found.rows, "has_more": found.is_cut}

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
        async with self._store.reading() as connection:
            found = await queries.list_deliveries(connection, _limit(request), _one(request, "source"))
        return {"deliveries": found.rows, "has_more": found.is_cut}

    async def failures(self, request: Request) -> object:
        source, category = _one(request, "source"), _one_of(request, "category", list(Category))
        async with self._store.reading() as connection:
            found = await queries.list_failures(connection, _limit(request), source, category)
        return {"failures": found.rows, "has_more": found.is_cut}

    async def refusals(self, request: Request) -> object:
        async with self._store.reading() as connection:
            found = await queries.list_refusals(connection, _limit(request), _one(request, "source"))
        return {"refusals": found.rows, "has_more": found.is_cut}

    async def groups(self, request: Request) -> object:
        async with self._store.reading() as connection:
            found = await fan_out.list_groups(connection, _limit(request), _one(request, "source"))
        return {"groups": found.rows, "has_more": found.is_cut}

    async def group(self, request: Request) -> object:
        async with self._store.reading() as connection:
            return await fan_out.show_group(connection, request.path_params["group"])

    async def submissions(self, request: Request) -> object:
        state = _one_of(request, "state", list(SubmissionState))
        states, source = [] if state is None else [state], _one(request, "source")
        async with self._store.reading() as connection:
            found = await fan_out.list_submissions(connection, _limit(request), source, states)
        return {"submissions": found.rows, "has_more": found.is_cut}

    async def handoffs(self, request: Request) -> object:
        state, target = _one_of(request, "state", list(HandoffState)), _one(request, "target")
        async with self._store.reading() as connection:
            found = await handed_on.list_handoffs(connection, self._configured(), _limit(request), state, target)
            backlog = await handed_on.backlog(connection, self._configured())
        return {"handoffs": found.rows, "has_more": found.is_cut, "backlog": backlog}

    async def handoff(self, request: Request) -> object:
        async with self._store.reading() as connection:
            return await handed_on.show_handoff(connection, self._configured(), request.path_params["handoff"])

    async def sources(self, _: Request) -> object:
        async with self._store.reading() as connection:
            clock = self._store.engine.lease_clock(self._now())
            return {"sources": await queries.list_sources(connection, self._configured(), self._now(), clock)}


async def _nothing(request: Request) -> object:
    raise NoSuchThing(f"there is nothing at {request.url.path}")


def _limit(request: Request) -> int:
    wished = request.query_params.get("limit")
    if wished is None:
        return LIMIT
    if not (wished.isascii() and wished.isdigit() and len(wished) <= 6 and 0 < int(wished) <= MOST):
        raise BadInput(f"limit is a number from 1 to {MOST}")
    return int(wished)


def _one(request: Request, name: str) -> str | None:
    return request.query_params.get(name) or None


def _one_of(request: Request, name: str, words: Sequence[str]) -> str | None:
    """A parameter that has to be one of a closed set of words."""
    wished = _one(request, name)
    if wished is not None and wished not in words:
        raise BadInput(f"{name} is one of {', '.join(words)}")
    return wished
