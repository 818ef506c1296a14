"""The verbs that only look: jobs, job, deliveries, failures, refusals, sources, explain."""

from typing import Annotated, Any

import typer

from operators import queries
from operators.cli import present
from operators.cli.context import configuration, verb
from operators.clock import now
from operators.running import open_store
from operators.views import View
from schemas.texts import clean
from schemas.words import Category, Status

look = typer.Typer()

NEWEST = 100
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many of the newest to show.")]
All = Annotated[bool, typer.Option("--all", help="Show every one.")]
OfSource = Annotated[str | None, typer.Option("--source", help="Only of this source.")]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="Our id, SOURCE/JOB_ID, or the provider's id.")]

_moment = present.moment

JOBS: present.Columns = {
    "source": lambda row: row["source"],
    "job": lambda row: row["job_id"],
    "status": lambda row: row["status"],
    "native": lambda row: row["native_status"],
    "%": lambda row: row["progress"],
    "ready": lambda row: row["ready"],
    "settled": lambda row: row["settled"],
    "failures": lambda row: ", ".join(f"{one['category']}.{one['code']}" for one in row["failures"]) or "-",
    "trouble": lambda row: row["trouble"],
    "updated": lambda row: _moment(row["updated_at"]),
}
DELIVERIES: present.Columns = {
    "source": lambda row: row["source"],
    "job": lambda row: row["job_id"],
    "key": lambda row: row["delivery_key"],
    "reported": lambda row: row["reported_status"],
    "verdict": lambda row: row["verdict"] or "not judged yet",
    "times": lambda row: row["times_received"],
    "first received": lambda row: _moment(row["first_received_at"]),
}
FAILURES: present.Columns = {
    "category": lambda row: row["category"],
    "code": lambda row: row["code"],
    "source": lambda row: row["source"],
    "job": lambda row: row["job_id"],
    "message": lambda row: row["message"],
    "detected": lambda row: _moment(row["detected_at"]),
}
REFUSALS: present.Columns = {
    "source": lambda row: row["source"] or "(unknown)",
    "reason": lambda row: row["reason"],
    "answered": lambda row: row["http_status"],
    "from": lambda row: row["remote"],
    "bytes": lambda row: row["body_bytes"],
    "received": lambda row: _moment(row["received_at"]),
}
SOURCES: present.Columns = {
    "source": lambda row: row["name"],
    "dialect": lambda row: row["dialect"],
    "asked at": lambda row: row["base_url"],
    "register this URL": lambda row: row["webhook_url"] if row["webhook"] != "none" else "(no webhook: polling only)",
    "for events": lambda row: " ".join(row["webhook_events"]) if row["webhook"] != "none" else "-",
    "trouble": lambda row: row["trouble"],
    "owner": lambda row: row["owner"],
}


@look.command()
@verb
async def jobs(
    source: OfSource = None,
    status: Annotated[
        list[Status] | None, typer.Option("--status", help="Only in this status; may be repeated.")
    ] = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
) -> None:
    """List jobs, the newest first."""
    async with open_store(configuration()) as store, store.reading() as connection:
        words = [one.value for one in status or []]
        found = await queries.list_jobs(connection, None if every else limit, source, words)
    present.listing(
        found, JOBS, in_json, "no jobs yet; `batchkeeper submit` makes one, `batchkeeper track` takes one in"
    )


@look.command()
@verb
async def deliveries(source: OfSource = None, limit: Limit = NEWEST, every: All = False, in_json: Json = False) -> None:
    """List deliveries, the newest first."""
    async with open_store(configuration()) as store, store.reading() as connection:
        found = await queries.list_deliveries(connection, None if every else limit, source)
    present.listing(
        found, DELIVERIES, in_json, "no delivery has arrived yet; `batchkeeper sources` says which URL to register"
    )


@look.command()
@verb
async def failures(
    source: OfSource = None,
    category: Annotated[Category | None, typer.Option("--category", help="Only of this category.")] = None,
    cleared: Annotated[bool, typer.Option("--cleared", help="Also those that no longer hold.")] = False,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
) -> None:
    """List failures of execution, cancellation and delivery, the newest first."""
    async with open_store(configuration()) as store, store.reading() as connection:
        word = category.value if category else None
        found = await queries.list_failures(connection, None if every else limit, source, word, cleared)
    present.listing(found, FAILURES, in_json, "no failures")


@look.command()
@verb
async def refusals(source: OfSource = None, limit: Limit = NEWEST, every: All = False, in_json: Json = False) -> None:
    """List requests that were not accepted, the newest first, with the reason that the sender is not told."""
    async with open_store(configuration()) as store, store.reading() as connection:
        found = await queries.list_refusals(connection, None if every else limit, source)
    present.listing(found, REFUSALS, in_json, "nothing was refused")


@look.command()
@verb
async def sources(in_json: Json = False) -> None:
    """List the configured sources, with the URL to register at each provider."""
    config = configuration()
    async with open_store(config) as store, store.reading() as connection:
        found = await queries.list_sources(connection, config, now())
    present.listing(queries.Listing(found, False), SOURCES, in_json, "no sources")


@look.command()
@verb
async def job(name: JobName, in_json: Json = False) -> None:
    """Show everything that is kept about one job."""
    config = configuration()
    async with open_store(config) as store, store.reading() as connection:
        found = await queries.show_job(connection, config, name, now())
    if in_json:
        present.as_json(found)
    else:
        _show(found)


@look.command()
@verb
async def explain(name: JobName, in_json: Json = False) -> None:
    """Say what is known about a job on each axis and about our own asking, and what each statement rests on."""
    config = configuration()
    async with open_store(config) as store, store.reading() as connection:
        found = await queries.explain_job(connection, config, name, now())
    if in_json:
        present.as_json(found)
        return
    typer.echo(f"{found['source']}/{found['job_id']} is {found['status']}")
    for finding in found["findings"]:
        typer.echo("")
        mark = {"good": "  ", "note": "- ", "trouble": "! ", "failure": "! "}[finding["tone"]]
        typer.echo(f"{mark}{finding['axis']}: {clean(finding['message'], 500)}  [{finding['rule']}]")
        for fact in finding["facts"]:
            at = f", {_moment(fact['at'])}" if fact["at"] else ""
            typer.echo(f"      {fact['name']} = {_plain(fact['value'])}  ({fact['read_from']}{at})")


_SECTIONS = (
    "failures",
    "missing",
    "deliveries",
    "provider_attempts",
    "actions",
    "outputs",
    "transitions",
    "observations",
)


def _show(found: View) -> None:
    for name, value in found.items():
        if name not in _SECTIONS and name != "cleared_failures":
            typer.echo(f"{name.replace('_', ' '):<20} {_plain(value)}")
    for section in _SECTIONS:
        if found[section]:
            typer.echo(f"\n{section.replace('_', ' ')}")
            for entry in found[section]:
                typer.echo(f"  {_plain({name: value for name, value in entry.items() if name not in _KNOWN_ABOVE})}")


_KNOWN_ABOVE = ("source", "kind", "job_id", "evidence", "details")


def _plain(value: Any) -> str:
    """A value in one line: a mapping as `name value` pairs, without what is not there."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items() if item not in (None, [], {})) or "-"
    if isinstance(value, list):
        return "; ".join(_plain(item) for item in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else clean(str(value), 500)
