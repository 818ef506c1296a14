"""A part of a listing: newest first, so many rows, after the last one that was shown, within a span of time.

An id tells when it was made. So one condition on it serves both the cursor and the times, with every index that ends in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

from schemas.ids import first_at

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows. `before` is the id of the last row shown; times are microseconds, `until` excluded."""

    limit: int | None = None
    before: int | None = None
    since: int | None = None
    until: int | None = None

    @property
    def and_one(self) -> "Part":
        """One row more, which tells whether there are any."""
        return self if self.limit is None else replace(self, limit=self.limit + 1)

    def holds(self, number: int) -> bool:
        """Whether the row with this id is within its bounds."""
        is_before = all(number < bound for bound in self._below)
        return is_before and (self.since is None or number >= first_at(self.since))

    @property
    def _below(self) -> list[int]:
        bounds = (self.before, None if self.until is None else first_at(self.until))
        return [bound for bound in bounds if bound is not None]

    def of(self, statement: Select[Any], ids: ColumnElement[int]) -> Select[Any]:
        """The statement, narrowed to this part, by the ids that its rows are ordered by."""
        for bound in self._below:
            statement = statement.where(ids < bound)
        if self.since is not None:
            statement = statement.where(ids >= first_at(self.since))
        return statement.order_by(ids.desc()).limit(self.limit)


def newest_of(found: Sequence[Sequence[Row]], part: Part, number: Callable[[Row], int]) -> list[Row]:
    """Several listings as one: each has its newest, so the newest of all are among them."""
    rows = sorted((row for rows in found for row in rows), key=number, reverse=True)
    return rows[: part.limit]


def begins_with(column: ColumnElement[str], prefix: str) -> tuple[ColumnElement[bool], ...]:
    """Whether an id, which is printable ASCII, begins so; as a range, which an index answers."""
    return column >= prefix, column < prefix + "\x7f"
