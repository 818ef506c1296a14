"""Whatever has an id is found by it: the thing itself, or the page on which it stands."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse, Response

from operators import things
from operators.dashboard.rendering import HEADERS, in_path
from operators.dashboard.visit import Page, Visit
from operators.errors import NoSuchThing
from operators.find import find_job
from operators.views import View
from schemas.ids import parse, shown
from storage import jobs
from storage.listing import Part

# What has a page of its own, by the beginning of its id.
_PAGES = {"grp": "groups", "hnd": "handoffs", "ref": "refusals", "sub": "submissions"}


async def find(visit: Visit) -> Page | Response:
    """Lead to it. A job is found by any of its names, or by how its provider's id begins."""
    name = visit.query.get("name", "").strip()
    async with visit.store.reading() as connection:
        place = await _place(connection, name)
    return RedirectResponse(place, 303, dict(HEADERS))


async def _place(connection: AsyncConnection, name: str) -> str:
    """Raises NoSuchThing."""
    for prefix, path in _PAGES.items():
        number = parse(name, prefix)
        if number is not None:
            return f"/{path}/{shown(prefix, number)}"
    for prefix, (show, where) in _STANDS.items():
        if parse(name, prefix) is not None:
            return where(await show(connection, name))
    try:
        return _of_job(shown("job", (await find_job(connection, name)).id))
    except NoSuchThing:
        begun = (
            await jobs.with_prefix(connection, Part(2), name) if name.isascii() and name.isprintable() and name else []
        )
        if not begun:
            raise
    return _of_job(shown("job", begun[0].id)) if len(begun) == 1 else f"/jobs?{urlencode({'job_id_prefix': name})}"


def _of_job(job: str) -> str:
    return in_path(f"/jobs/{job}")


def _delivery(found: View) -> str:
    """The job that it is about, where that is known; else its receipts."""
    return _of_job(found["job"]) if found["job"] else f"/receipts?delivery={found['id']}"


def _failure(found: View) -> str:
    return _of_job(f"{found['source']}/{found['job_id']}")


Show = Callable[[AsyncConnection, str], Awaitable[View]]
# What stands on a page of something else: how it is looked up, and where it stands.
_STANDS: Mapping[str, tuple[Show, Callable[[View], str]]] = {
    "dlv": (things.show_delivery, _delivery),
    "rcp": (things.show_receipt, lambda found: f"/receipts?delivery={found['delivery']}"),
    "act": (things.show_action, lambda found: f"{_of_job(found['job'])}?done={found['id']}"),
    "fail": (things.show_failure, _failure),
    "fnd": (things.show_finding, lambda found: f"/sources/{found['source']}"),
}
