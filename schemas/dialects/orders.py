"""What we order from a provider, and how it takes that. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.readings import Troubled


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a new job is told where to send its news: an endpoint registered there, or a URL and secret sent along."""

    events: tuple[str, ...]
    endpoint_id: str | None = None
    url: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """What we ask a provider to create, of a file that it has or of the rows themselves.

    `rows` are the bytes of our own file, for a dialect that uploads none. `job_id` is the one that we chose, where jobs are named
    by who creates them. `secrets` are what the source's options name, by the name there: they stand in no table and no log.
    """

    input_file_id: str = ""
    endpoint: str | None = None
    completion_window: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    webhook: Webhook | None = None
    rows: bytes = field(default=b"", repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    job_id: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SubmitRefused:
    """The provider will not make this job; nothing exists there."""

    http_status: int
    message: str


@dataclass(frozen=True, slots=True)
class SubmitLater:
    """The provider will not take it now, and nothing exists there: it can be asked again. `window` is the span (microseconds)
    over which it counts uploads, where that is why."""

    trouble: Troubled
    window: int | None = None


@dataclass(frozen=True, slots=True)
class SubmitUnclear:
    """The provider may have made the job all the same. With its kind and id it can be asked about."""

    message: str
    kind: str | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How large one job's file of requests may be. None: the contract names no bound."""

    file_bytes: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """One row of an input, as its dialect sees it: which endpoint it is for, and everything that is wrong with it."""

    endpoint: str | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an input may have as CSV: what it holds, and whether every row needs it."""

    name: str
    what: str
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A delivery made by hand: what to send, as the provider would send it."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
