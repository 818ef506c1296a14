"""Labels of submissions, jobs and groups: names and values that whoever submitted gave."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import LabelRow
from storage.rows import fetch, table, upsert

LABELS = table(LabelRow)
_OF_SUBJECT = select(LABELS.c.key, LABELS.c.value).where(LABELS.c.subject == bindparam("of")).order_by(LABELS.c.key)
_PORTION = 500  # a statement takes only so many values


async def put(connection: AsyncConnection, subject: int, labels: Mapping[str, str]) -> None:
    rows = [{"subject": subject, "key": key, "value": value} for key, value in sorted(labels.items())]
    if rows:
        await connection.execute(insert(LABELS), rows)


async def of(connection: AsyncConnection, subject: int) -> dict[str, str]:
    return {row.key: row.value for row in await connection.execute(_OF_SUBJECT, {"of": subject})}


async def by_subject(connection: AsyncConnection, subjects: Sequence[int]) -> dict[int, dict[str, str]]:
    """The labels of each of some subjects that has any."""
    found: dict[int, dict[str, str]] = {}
    for start in range(0, len(subjects), _PORTION):
        ours = select(LABELS).where(LABELS.c.subject.in_(subjects[start : start + _PORTION]))
        for row in await connection.execute(ours.order_by(LABELS.c.subject, LABELS.c.key)):
            found.setdefault(row.subject, {})[row.key] = row.value
    return found


async def copy(connection: AsyncConnection, source: int, to: int) -> None:
    """Give a subject the labels of another; what it has already stays."""
    labels = await of(connection, source)
    rows = [{"subject": to, "key": key, "value": value} for key, value in labels.items()]
    if rows:
        await connection.execute(upsert(connection, LABELS).values(rows).on_conflict_do_nothing())


async def of_subjects(connection: AsyncConnection, subjects: Sequence[int]) -> dict[str, str]:
    """The labels of some subjects together. Where two have the same key, the later subject's value counts."""
    rows = await fetch(connection, LabelRow, select(LABELS).where(LABELS.c.subject.in_(subjects)))
    place = {subject: number for number, subject in enumerate(subjects)}
    return {row.key: row.value for row in sorted(rows, key=lambda row: (place[row.subject], row.key))}
