"""What stands against sources now: the findings that are open, as every face shows them."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.views import View
from storage import findings


async def standing(connection: AsyncConnection, sources: Collection[str]) -> list[View]:
    """The findings about some sources: by source, and of each the oldest first."""
    found = await findings.of_sources(connection, sources)
    return [views.source_finding(row) for name in sorted(found) for row in found[name]]


async def of_source(connection: AsyncConnection, source: str) -> list[View]:
    """Every finding that a source ever had, as it stood last: the newest to be opened or closed first. They are few: one for each
    rule and trouble."""
    rows = await findings.of_source(connection, source)
    return [
        views.source_finding(row) for row in sorted(rows, key=lambda row: row.closed_at or row.began_at, reverse=True)
    ]
