"""Findings about sources: one row for each that ever stood. Closed when the evidence says so, opened again when it returns."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import FindingChangeRow, FindingRow
from storage.rows import add, fetch, fetch_one, table

FINDINGS = table(FindingRow)
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as the rules name it. `evidence` is a list of facts, as JSON has them."""

    rule: str
    subject: str
    message: str
    evidence: Sequence[Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.rule, self.subject


async def sync(
    connection: AsyncConnection,
    source: str,
    found: Sequence[Found],
    new_id: Callable[[], int],
    now: int,
    undecided: Collection[str] = (),
) -> list[FindingRow]:
    """
    Make a source's rows say just what holds now: new ones open, those that hold are seen, others are closed, and returning
    ones are opened again with another revision. Those of the rules that are `undecided` stay as they are.

    The rows that were opened or closed come back, as they are from now on.
    """
    known = {(row.rule, row.subject): row for row in await of_source(connection, source)}
    changed = []
    for one in found:
        row = known.pop(one.key, None)
        if row is None:
            changed.append(await _open(connection, source, one, new_id(), now))
        elif row.closed_at is not None:
            changed.append(await _change(connection, row, _reopened(row, one, now)))
        else:
            await _change(connection, row, {**_said(one), "seen_at": now})
    for row in known.values():
        if row.closed_at is None and row.rule not in undecided:
            changed.append(await _change(connection, row, {"closed_at": now}))
    for row in changed:
        state = "opened" if row.closed_at is None else "closed"
        await add(connection, FindingChangeRow(id=new_id(), finding=row.id, state=state, message=row.message, at=now))
    return changed


async def told(connection: AsyncConnection, number: int, now: int) -> None:
    """Note that downstream is told of one."""
    await connection.execute(update(FINDINGS).where(FINDINGS.c.id == number).values(told_at=now))


async def of_source(connection: AsyncConnection, source: str) -> list[FindingRow]:
    """Every finding that a source ever had, by rule. There are no more than there are rules and troubles."""
    statement = select(FINDINGS).where(FINDINGS.c.source == source).order_by(FINDINGS.c.rule, FINDINGS.c.subject)
    return await fetch(connection, FindingRow, statement)


async def of_sources(connection: AsyncConnection, names: Collection[str]) -> dict[str, list[FindingRow]]:
    """The findings that stand now, by source, oldest first."""
    rows = await fetch(connection, FindingRow, select(FINDINGS).where(FINDINGS.c.source.in_(sorted(names))))
    standing: dict[str, list[FindingRow]] = {name: [] for name in names}
    for row in sorted(rows, key=lambda row: (row.began_at, row.id)):
        if row.closed_at is None:
            standing[row.source].append(row)
    return standing


async def get(connection: AsyncConnection, number: int) -> FindingRow | None:
    return await fetch_one(connection, FindingRow, select(FINDINGS).where(FINDINGS.c.id == number))


async def open_now(connection: AsyncConnection) -> Counter[tuple[str, str]]:
    """How many stand now, by source and rule, counted no further than a bound."""
    still = select(FINDINGS.c.source, FINDINGS.c.rule).where(FINDINGS.c.closed_at.is_(None)).limit(MOST_COUNTED)
    return Counter((source, rule) for source, rule in await connection.execute(still))


async def _open(connection: AsyncConnection, source: str, one: Found, number: int, now: int) -> FindingRow:
    row = FindingRow(
        id=number, source=source, rule=one.rule, subject=one.subject, **_said(one), began_at=now, seen_at=now
    )
    await add(connection, row)
    return row


def _reopened(row: FindingRow, one: Found, now: int) -> dict[str, Any]:
    return {**_said(one), "revision": row.revision + 1, "began_at": now, "seen_at": now, "closed_at": None}


def _said(one: Found) -> dict[str, Any]:
    return {"message": one.message, "evidence": json.dumps(list(one.evidence), sort_keys=True)}


async def _change(connection: AsyncConnection, row: FindingRow, values: dict[str, Any]) -> FindingRow:
    await connection.execute(update(FINDINGS).where(FINDINGS.c.id == row.id).values(**values))
    return FindingRow(**{**row.model_dump(), **values})
