"""Labels of jobs and groups, given by whoever submitted them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.tables import LabelRow
from storage.rows import fetch, table

LABELS = table(LabelRow)


async def of_subjects(connection: AsyncConnection, subjects: Sequence[int]) -> dict[str, str]:
    """The labels of some subjects together. Where two have the same key, the later subject's value counts."""
    rows = await fetch(connection, LabelRow, select(LABELS).where(LABELS.c.subject.in_(subjects)))
    place = {subject: number for number, subject in enumerate(subjects)}
    return {row.key: row.value for row in sorted(rows, key=lambda row: (place[row.subject], row.key))}
