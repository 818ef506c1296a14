"""One visit: who looks, at what, and when; and what a page answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from operators.access import Right
from operators.dashboard.sealing import Sealed
from schemas.config import Config
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Visit:
    """`now` is in microseconds, and stands still for the whole page."""

    request: Request
    config: Config
    store: Store
    session: Sealed
    now: int

    @property
    def may_act(self) -> bool:
        return self.session.right >= Right.ACT

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params

    def lease_clock(self) -> Any:
        return self.store.engine.lease_clock(self.now)


@dataclass(frozen=True, slots=True)
class Page:
    """A template and its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


Body = Callable[[Visit], Awaitable[Page | Response]]
