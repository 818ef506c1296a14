"""The routes of the API, made of its operations."""

from collections.abc import Callable, Sequence
from itertools import groupby

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from operators.api.acting import Acting
from operators.api.description import described
from operators.api.door import Door
from operators.api.operations import ROOT, Operation
from operators.api.problems import HEADERS
from operators.api.reading import Reading
from schemas.config import Config
from storage.store import Store


def routes(configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> list[Route]:
    """Every path below /api/v1 wants a token as `Authorization: Bearer`: looking either, acting the one that may."""
    operations = [*Acting(configured, store, now).operations(), *Reading(configured, store, now).operations()]
    return [
        Route("/openapi.json", _telling(operations), methods=["GET"]),
        *(Route(path, Door(configured, found)) for path, found in _by_path(operations)),
        Route(f"{ROOT}{{anything:path}}", Door(configured)),
    ]


def _by_path(operations: Sequence[Operation]) -> list[tuple[str, list[Operation]]]:
    """A path that ends in more than a name comes before the one that ends in the name, which may hold slashes."""
    ordered = sorted(operations, key=lambda one: (one.path.endswith("{job}"), one.route))
    return [(route, list(found)) for route, found in groupby(ordered, key=lambda one: one.route)]


def _telling(operations: Sequence[Operation]) -> Callable[[Request], Response]:
    description = described(operations)

    def tell(_: Request) -> Response:
        return JSONResponse(description, headers=HEADERS)

    return tell
