"""The gate: who is let in to a page, and what becomes of whatever goes wrong behind it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from operators.access import Right
from operators.bounded import Bounded, TooLarge
from operators.dashboard import origin, sealing
from operators.dashboard.rendering import HEADERS, render
from operators.dashboard.sealing import Purpose, Sealed, open_sealed
from operators.dashboard.visit import Body, Page, Visit
from operators.errors import AmbiguousName, BadInput, Conflict, NoSuchThing, NotPossible, Problem
from schemas.config import Config
from storage import spent
from storage.engine import StoreAway
from storage.store import Store

log = structlog.get_logger()

LARGEST_FORM = 16_384
_STATUSES: Mapping[type[Problem], int] = {
    BadInput: 400,
    NoSuchThing: 404,
    AmbiguousName: 409,
    NotPossible: 409,
    Conflict: 409,
}

_NOT_YOURS = "this form was not made for your session, or not for this; go back, load the page anew, and send it again"

Responding = Callable[[Request], Awaitable[Response]]


class Gate:
    """`configured` answers with the configuration that holds now."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self.configured, self.store, self.now = configured, store, now

    async def session(self, request: Request) -> Sealed | None:
        """The session that a request's cookie carries: sealed with a token that is configured, not lapsed, not signed out."""
        found = open_sealed(
            self.configured(), Purpose.SESSION, request.cookies.get(cookie_name(request), ""), self.now()
        )
        if found is None:
            return None
        async with self.store.reading() as connection:
            return None if await spent.is_spent(connection, found.key) else found

    def is_open(self, request: Request) -> bool:
        """Whether a session that was let in still holds, as far as its cookie tells."""
        text = request.cookies.get(cookie_name(request), "")
        return open_sealed(self.configured(), Purpose.SESSION, text, self.now()) is not None

    def page(self, body: Body) -> Responding:
        """A page for whoever is signed in; anybody else is shown in first, and comes back to it."""

        async def answer(request: Request) -> Response:
            session = await self.session(request)
            if session is None:
                return _to_sign_in(request)
            return await self._told(body, self._visit(request, session))

        return guarded(answer)

    def form(self, body: Callable[[Visit, FormData], Awaitable[Page | Response]], right: Right) -> Responding:
        """What a form of ours is sent to, by a session that has the right."""

        async def answer(request: Request) -> Response:
            session = await self.session(request)
            if session is None:
                return _to_sign_in(request)
            visit = self._visit(request, session)

            async def checked(_: Visit) -> Page | Response:
                form = await read_form(request)
                seal = form.get("seal")
                if not (
                    isinstance(seal, str) and sealing.is_of(visit.config, session, visit.request.scope["path"], seal)
                ):
                    return _refusal(403, _NOT_YOURS)
                if session.right < right:
                    return _refusal(403, "your token only looks; sign in with the one that acts")
                return await body(visit, form)

            return await self._told(checked, visit)

        return guarded(answer)

    def _visit(self, request: Request, session: Sealed) -> Visit:
        return Visit(request, self.configured(), self.store, session, self.now())

    async def _told(self, body: Body, visit: Visit) -> Response:
        try:
            answer = await body(visit)
        except Problem as problem:
            answer = _refusal(_STATUSES.get(type(problem), 400), str(problem))
        if isinstance(answer, Response):
            return answer
        return render(answer.template, {**_common(visit), **answer.values}, answer.status)


def guarded(answer: Responding) -> Responding:
    """Whatever goes wrong becomes a page without a word about our insides."""

    async def guard(request: Request) -> Response:
        if request.method == "POST" and not origin.is_from_here(request.headers):
            return alone(403, "this was sent from another site, so nothing was done")
        try:
            return await answer(request)
        except TooLarge:
            return alone(413, f"the form is larger than {LARGEST_FORM} bytes")
        except (HTTPException, ClientDisconnect):  # a form that cannot be read
            return alone(400, "the form cannot be read; go back, load the page anew, and send it again")
        except (StoreAway, DBAPIError) as error:
            log.error("store_trouble", page=request.url.path, error=str(getattr(error, "orig", error)))
            return alone(503, "the database cannot be used at present; the log says why")
        except Exception:
            log.exception("page_broke", page=request.url.path)
            return alone(500, "something went wrong here; the log says what")

    return guard


def alone(status: int, message: str) -> Response:
    """A page that says one thing, without what only those see who are signed in."""
    return render("alone.html", {"message": message, "status": status}, status)


def cookie_name(request: Request) -> str:
    """Cookies know no ports, and two services may run on one machine."""
    _, port = request.scope.get("server") or ("", None)
    return f"batchkeeper_{port}"


async def read_form(request: Request) -> FormData:
    """A form of ours, which is small."""
    return await Request(request.scope, Bounded(request.receive, LARGEST_FORM, "what a form of ours takes")).form(
        max_files=0, max_fields=20
    )


def _refusal(status: int, message: str) -> Page:
    return Page("problem.html", {"message": message, "status": status}, status)


def _common(visit: Visit) -> dict[str, Any]:
    """What every page of a session knows."""
    return {
        "now": visit.now,
        "here": visit.request.url.path,
        "seal": sealing.form_seal(visit.config, visit.session, visit.request.scope["path"]),
        "leaving": sealing.form_seal(visit.config, visit.session, "/signout"),
        "may_act": visit.may_act,
    }


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = (
        f"?next={quote(wanted, safe='')}"
        if request.method == "GET" and origin.is_local(wanted) and wanted != "/"
        else ""
    )
    return RedirectResponse(f"/signin{back}", 303, dict(HEADERS))
