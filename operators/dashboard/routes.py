"""Where each page is."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from operators.access import Right
from operators.dashboard import acting, lists, reverifying, subjects, unknown_paths
from operators.dashboard.audited import audit
from operators.dashboard.changes import Changes, Events
from operators.dashboard.failure_words import TITLES, document
from operators.dashboard.found import find
from operators.dashboard.gate import Gate, Responding, guarded
from operators.dashboard.home import home
from operators.dashboard.rendering import static
from operators.dashboard.signing_in import SigningIn
from operators.dashboard.visit import Page, Visit
from operators.errors import NoSuchThing
from schemas.config import Config
from storage.store import Store


def routes(configured: Callable[[], Config], store: Store, now: Callable[[], int], changes: Changes) -> list[Route]:
    """The dashboard's pages. `configured` answers with the configuration that holds now, `now` in microseconds."""
    gate = Gate(configured, store, now)
    signing_in, events = SigningIn(gate), Events(gate, changes)

    async def listen(request: Request) -> Response:
        return await events(request)

    pages = {
        "/": home,
        "/find": find,
        "/help/{name}": _help,
        "/audit": audit,
        "/refusals/{refusal}": subjects.refusal,
        "/act/reverify/{source}": reverifying.confirm,
        "/sources": subjects.sources,
        "/sources/{source}": subjects.source,
        "/groups/{group}": subjects.group,
        "/submissions/{submission}": subjects.submission,
        "/handoffs/{handoff}": subjects.handoff,
        **{f"/{page.noun.name}": lists.listed(page) for page in lists.PAGES},
        "/jobs/{job:path}": subjects.job,
        "/act/{verb}/{name:path}": acting.confirm,
    }
    return [
        Route("/static/{digest}/{name}", static, methods=["GET"]),
        Route("/signin", guarded(signing_in.show), methods=["GET"]),
        Route("/signin", guarded(signing_in.sign_in), methods=["POST"]),
        Route("/signout", gate.form(signing_in.sign_out, Right.READ), methods=["POST"]),
        Route("/events", guarded(listen), methods=["GET"]),
        *(Route(path, gate.page(body), methods=["GET"]) for path, body in pages.items()),
        Route("/act/reverify/{source}", gate.form(reverifying.act, Right.ACT), methods=["POST"]),
        Route("/act/{verb}/{name:path}", gate.form(acting.act, Right.ACT), methods=["POST"]),
    ]


def unknown_path(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> Responding:
    """What a person is shown where there is nothing; whoever is not signed in is shown in first, as everywhere."""
    return Gate(configured, store, now).page(unknown_paths.page)


async def _help(visit: Visit) -> Page:
    name = visit.path["name"]
    if name not in TITLES:
        raise NoSuchThing(f"nothing is explained under this name; there is {' and '.join(TITLES)}")
    return Page("help.html", {"words": document(name), "title": TITLES[name]})
