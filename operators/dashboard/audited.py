"""The page of the audit: what is different between the provider's ledger of its deliveries and ours."""

from urllib.parse import urlencode

from operators import auditing, filters, things
from operators.auditing import Scope
from operators.dashboard.visit import Page, Visit
from operators.errors import BadInput, NoSuchThing
from operators.listings import Listing
from operators.standing import standing
from operators.views import View

ROWS = 30


async def audit(visit: Visit) -> Page:
    """A part of it, with the findings about sources above."""
    given = {name: visit.query.get(name, "") for name in ("source", "since")}
    narrowed, source = {name: text for name, text in given.items() if text}, given["source"] or None
    values: View = {"given": given, "sources": sorted(visit.config.sources), "complaint": None, "findings": []}
    values |= {
        "found": Listing([]),
        "is_first": not visit.query.get("cursor"),
        "older": None,
        "query": urlencode(given),
    }
    try:
        if source is not None:
            things.must_be_source(visit.config, source)
        since = filters.read(filters.FAILURES, {"since": [given["since"]]}, visit.now).part.since
        async with visit.store.reading() as connection:
            found = await auditing.list_differences(
                connection, Scope(source, since), ROWS, visit.query.get("cursor") or None
            )
            findings = await standing(connection, visit.config.sources if source is None else [source])
    except (BadInput, NoSuchThing) as problem:
        return Page("audit.html", {**values, "complaint": str(problem)}, 400)
    older = None if found.next is None else urlencode({**narrowed, "cursor": found.next})
    return Page("audit.html", {**values, "found": found, "findings": findings, "older": older})
