"""Operations: what can be asked of the API. Routes and the description at /openapi.json are both made of these."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from operators.access import Right
from operators.applying import LARGEST_JSON
from operators.once import Answer
from schemas.config import Config

ROOT = "/api/v1"
Schema = Mapping[str, Any]
Respond = Callable[[Request], Awaitable[Answer]]

ALWAYS = (401, 500, 503)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query, a header, or a part of the path."""

    name: str
    place: str
    schema: Schema
    meaning: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent along: a schema for each media type. `largest`: how many bytes at most, by the configuration."""

    content: Mapping[str, Schema]
    required: bool = True
    largest: Callable[[Config], int] = lambda _: LARGEST_JSON
    bound: str = "what is taken here"


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One method of one path below /api/v1. `gives` holds the schema of each answer, by its HTTP status, and `refuses` the HTTP
    statuses of its problems. `combinations`: which parameters go together, where not all do.
    """

    method: str
    path: str
    name: str
    summary: str
    respond: Respond
    gives: Mapping[int, Schema]
    refuses: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    combinations: tuple[frozenset[str], ...] = ()
    about: str = ""
    right: Right = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "right", Right.READ if self.method == "GET" else Right.ACT)

    @property
    def problems(self) -> tuple[int, ...]:
        """Every status that it may refuse with."""
        more = {403} if self.right is Right.ACT else set()
        return tuple(sorted({*ALWAYS, *self.refuses, *more}))

    @property
    def route(self) -> str:
        """Its path as routes are written. A job's name may hold slashes."""
        return ROOT + self.path.replace("{job}", "{job:path}")
