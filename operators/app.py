"""The operators' app, on its own port: what each of its faces answers, put together."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from operators import api, monitoring
from operators.api.problems import HEADERS, problem
from operators.dashboard.changes import Changes
from operators.dashboard.routes import routes as dashboard_routes
from operators.dashboard.routes import unknown_path
from operators.dashboard.unknown_paths import is_for_a_person
from schemas.config import Config
from storage.store import Store


def build_app(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> Starlette:
    """`configured` answers with the configuration that holds now, `now` in microseconds. Each face brings its own routes."""
    changes = Changes(store)
    routes = [
        Route("/livez", _live, methods=["GET"]),
        *monitoring.routes(configured, store, now),
        *api.routes(configured, store, now),
        *dashboard_routes(configured, store, now, changes),
    ]
    show_unknown = unknown_path(configured, store, now)

    async def refused(request: Request, error: Exception) -> Response:
        """What the router itself refuses: an unknown path, a method that it does not take."""
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = ", ".join(sorted((error.headers or {}).get("Allow", "GET").split(", ")))
            return problem(405, f"this takes {allowed}", {"allow": allowed})
        if is_for_a_person(request.method, request.scope["path"], request.headers.get("accept", "")):
            return await show_unknown(request)
        return problem(404, "there is nothing here")

    app = Starlette(routes=routes, exception_handlers={HTTPException: refused})
    app.router.redirect_slashes = False
    app.state.end_streams = changes.end  # whoever serves it calls this when it is to stop
    return app


async def _live(_: Request) -> Response:
    return PlainTextResponse("alive\n", headers=HEADERS)
