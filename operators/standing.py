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
