"""What came of a job: the content of its outputs, and their rows. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Streamed:
    """Content came to its end. `length`: how many bytes its head promised; None: it did not say. `has_end`: the end was marked,
    and is not just where the connection was closed."""

    length: int | None
    has_end: bool


@dataclass(frozen=True, slots=True)
class OverCap:
    """Content is larger than the cap, and was not read on. `length`: how large, if its head said so."""

    length: int | None


@dataclass(frozen=True, slots=True)
class PagedRow:
    """One row of a page of results. `key` says which request it answers: rows of one key answer the requests of that key, in
    their order. `row` is the row as the provider shows it."""

    key: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of a job's rows, as far as they are finished. `cursor` asks for the next one; None: there is none.

    `problem` says why the pages read so far cannot be all rows of a job that has ended.
    """

    rows: tuple[PagedRow, ...] = ()
    cursor: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row of an output: which request it answers, and whether it succeeded. An error's words are those of the provider."""

    custom_id: str
    succeeded: bool
    status_code: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    body: bytes | None = None  # of the answer, as the JSON that stands there


@dataclass(frozen=True, slots=True)
class NoRow:
    """A line of an output that is no row."""

    why: str
