"""The verbs that list: jobs, deliveries, failures, refusals, sources."""

import json
import shlex
from typing import Annotated

import typer

from operators import documented, filters, listings, queries
from operators.cli import present
from operators.cli.columns import ACTIONS, DELIVERIES, FAILURES, JOBS, RARE, RECEIPTS, REFUSALS, SOURCES, WIDTHS
from operators.cli.context import configuration, source_named, verb
from operators.cli.options import (
    All,
    Form,
    Json,
    Limit,
    OfCategory,
    OfCode,
    OfJobId,
    OfKind,
    OfLabel,
    OfPrefix,
    OfSource,
    OfStatus,
    Since,
    Until,
    asked_for,
    shape,
)
from operators.clock import now
from operators.filters import Asked
from operators.listings import Listing
from operators.store import opened
from operators.views import View
from schemas.config import Config
from schemas.words import ActionState, ActionVerb, RefusalReason, Verdict
from storage.deliveries import ODD_VERDICTS

look = typer.Typer()

NEWEST = 100


@look.command()
@verb
async def jobs(
    source: OfSource = None,
    kind: OfKind = None,
    status: OfStatus = None,
    category: OfCategory = None,
    code: OfCode = None,
    trouble: Annotated[
        bool, typer.Option("--trouble", help="Only those that our own asking has trouble with.")
    ] = False,
    label: OfLabel = None,
    group: Annotated[str | None, typer.Option("--group", metavar="GROUP", help="Only of this group, grp_....")] = None,
    job_id: OfJobId = None,
    job_id_prefix: OfPrefix = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List jobs, the newest first."""
    given = {
        "source": source, "kind": kind, "status": status, "category": category, "code": code, "label": label,
        "trouble": trouble, "group": group, "job_id": job_id, "job_id_prefix": job_id_prefix, "since": since, "until": until,
    }  # fmt: skip
    asked = asked_for(filters.JOBS, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_jobs(connection, asked)
    nothing = "no jobs yet; `batchkeeper submit` makes one, `batchkeeper track` takes one in"
    _show(config, asked, found, JOBS, shape(in_json, form), nothing)


@look.command()
@verb
async def deliveries(
    source: OfSource = None,
    kind: OfKind = None,
    verdict: Annotated[
        Verdict | None,
        typer.Option("--verdict", metavar="VERDICT", help=f"Only with this odd verdict: {', '.join(ODD_VERDICTS)}."),
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only about this job.")] = None,
    job_id: OfJobId = None,
    job_id_prefix: OfPrefix = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List deliveries, the newest first."""
    given = {
        "source": source, "kind": kind, "verdict": verdict, "job": job, "job_id": job_id,
        "job_id_prefix": job_id_prefix, "since": since, "until": until,
    }  # fmt: skip
    asked = asked_for(filters.DELIVERIES, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_deliveries(connection, config, asked)
    nothing = "no delivery has arrived yet; `batchkeeper sources` says which URL to register"
    _show(config, asked, found, DELIVERIES, shape(in_json, form), nothing)


@look.command()
@verb
async def failures(
    source: OfSource = None,
    category: OfCategory = None,
    code: OfCode = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only of this job.")] = None,
    cleared: Annotated[bool, typer.Option("--cleared", help="Also those that no longer hold.")] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List failures of execution, cancellation and delivery, the newest first."""
    given = {
        "source": source, "category": category, "code": code, "job": job, "cleared": cleared, "since": since,
        "until": until,
    }  # fmt: skip
    asked = asked_for(filters.FAILURES, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_failures(connection, asked)
    _show(config, asked, found, FAILURES, shape(in_json, form), "no failures")


@look.command()
@verb
async def refusals(
    source: OfSource = None,
    reason: Annotated[
        RefusalReason | None,
        typer.Option("--reason", metavar="REASON", help=f"Only for this reason: {', '.join(RefusalReason)}."),
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List requests that were not accepted, the newest first.

    The reason is the one that the sender is not told.
    """
    given = {"source": source, "reason": reason, "since": since, "until": until}
    asked = asked_for(filters.REFUSALS, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_refusals(connection, asked)
    _show(config, asked, found, REFUSALS, shape(in_json, form), "nothing was refused")


@look.command()
@verb
async def receipts(
    delivery: Annotated[
        str | None, typer.Option("--delivery", metavar="DELIVERY", help="Only of this delivery, dlv_....")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List accepted requests, the newest first: a delivery that came again has several."""
    given = {"delivery": delivery, "since": since, "until": until}
    asked = asked_for(filters.RECEIPTS, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_receipts(connection, asked)
    _show(config, asked, found, RECEIPTS, shape(in_json, form), "nothing has been accepted yet")


@look.command()
@verb
async def actions(
    source: OfSource = None,
    verb: Annotated[
        ActionVerb | None, typer.Option("--verb", metavar="VERB", help=f"Only: {', '.join(ActionVerb)}.")
    ] = None,
    state: Annotated[
        ActionState | None, typer.Option("--state", metavar="STATE", help=f"Only: {', '.join(ActionState)}.")
    ] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only about this job.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List what operators and automation asked for, the newest first, and what came of it."""
    given = {"source": source, "verb": verb, "state": state, "job": job, "since": since, "until": until}
    asked = asked_for(filters.ACTIONS, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_actions(connection, asked)
    _show(config, asked, found, ACTIONS, shape(in_json, form), "nothing was asked for yet")


@look.command()
@verb
async def sources(in_json: Json = False, form: Form = None) -> None:
    """List the configured sources, with the URL to register at each provider."""
    printed = shape(in_json, form)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await queries.list_sources(connection, config, now(), store.engine.lease_clock(now()))
    if form is not None or in_json:
        present.listing(Listing(found), SOURCES, printed, "no source is configured")
        return
    for number, row in enumerate(found):
        typer.echo(("\n" if number else "") + present.heading(row["name"]))
        present.fields(_source_fields(row).items())
        _registration(row)


def _show(
    config: Config, asked: Asked, found: Listing, columns: present.Columns, shape: present.Shape, nothing: str
) -> None:
    """Show a listing. An empty one of a source that nobody knows is a slip of the pen, and said to be one."""
    if "source" in asked.by and not found.rows:
        source_named(config, asked.by["source"])
    filtered = " ".join([*asked.by.values(), *asked.statuses])
    empty = f"nothing here for {filtered}" if filtered else nothing
    present.listing(found, columns, shape, empty, WIDTHS, RARE)


def _source_fields(row: View) -> View:
    registered = {
        "endpoint": {"register this URL": row["webhook_url"], "for the events": " ".join(row["webhook_events"])},
        "inline": {"sent with each job": row["webhook_url"], "for the events": " ".join(row["webhook_events"])},
        "none": {"webhook": "none: polling only"},
    }
    again = f"; asked again at {present.moment(row['asking_again_at'])} UTC" if row["asking_again_at"] else ""
    page = f" (see {documented.trouble(row['trouble'])})" if row["trouble"] else ""
    trouble = f"{row['trouble']}: {row['trouble_message']}{again}{page}" if row["trouble"] else "none"
    return {
        "dialect": row["dialect"],
        "asked at": row["base_url"],
        **registered[row["webhook"]],
        "trouble": trouble,
        "circuit": row["circuit"],
        "questions": _questions(row),
        "list": _list(row),
        "not known here": _orphans(row),
        "webhooks": _heard(row),
        "findings": "; ".join(f"{one['rule']}: {one['message']} (see {one['page']})" for one in row["findings"])
        or "none",
        "last reverify": _reverified(row["last_reverify"]),
        "reconciler": row["owner"] or "none at work; `batchkeeper up` starts one",
    }


def _registration(row: View) -> None:
    """The command that registers our URL, unbroken, so that it can be copied. The key is for the reader to put in."""
    asked = row["webhook_registration"]
    if asked is None:
        return
    key = f"${row['dialect'].upper()}_MANAGEMENT_KEY"
    parts = (
        f"curl -X {asked['method']} {shlex.quote(asked['url'])}",
        f'-H "Authorization: Bearer {key}" -H "Content-Type: application/json"',
        f"-d {shlex.quote(json.dumps(asked['body']))}",
    )
    known = row["webhook_endpoint_id"]
    then = f"anew (webhook_endpoint_id is {known})" if known else "(the answer's id then goes into webhook_endpoint_id)"
    typer.echo(f"  to register it {then}, by hand or with a management key:")
    typer.echo(f"    {' '.join(parts)}")


def _questions(row: View) -> str:
    requests = row["requests"]
    budget = "no budget" if requests["per_minute"] is None else f"{requests['per_minute']} a minute"
    left = "" if requests["left"] is None else f", so {requests['left']} more may leave at that moment"
    recorded = f" (at {present.moment(requests['recorded_at'])} UTC)" if requests["recorded_at"] else ""
    return f"{row['concurrency']} at once, {budget}; {requests['last_minute']} in the last minute{left}{recorded}"


def _heard(row: View) -> str:
    """What was heard of a source last."""
    if row["webhook"] == "none":
        return "none are expected"
    heard = row["heard"]
    last = f"last accepted at {present.moment(heard['at'])} UTC" if heard["at"] else "none accepted yet"
    ends = heard["unheard_ends"]
    return f"{last}; {ends} {'job has' if ends == 1 else 'jobs have'} ended unannounced since then" if ends else last


def _reverified(last: View | None) -> str | None:
    if last is None:
        return None
    broken = "" if last["ended_at"] else ", and had not ended"
    return f"{last['taken_in']} taken in at {present.moment(last['asked_at'])} UTC by {last['face']}{broken}: {last['reason']}"


def _list(row: View) -> str:
    listed = row["list"]
    message = listed["message"]
    if not listed["exists"]:
        return "its provider has none that we read: each job is asked about by itself"
    if listed["swept_at"] is None:
        return f"not looked through yet; {message}" if message else "not looked through yet"
    extent = _extent(listed["shows_all"], message)
    unreadable = f"; {listed['unreadable']} entries could not be read" if listed["unreadable"] else ""
    asked = f"last asked at {present.moment(listed['asked_at'])}, " if listed["asked_at"] else ""
    return f"{asked}looked through at {present.moment(listed['swept_at'])} UTC; {extent}{unreadable}"


def _extent(shows_all: bool, message: str | None) -> str:
    """How much the list showed; and what is in the way of another look, where the last one was whole."""
    if not shows_all:
        return f"there may be more than it shows: {message or 'its page is full'}"
    return f"its page was not full; since then: {message}" if message else "its page is not full"


def _orphans(row: View) -> str:
    counted = ", ".join(f"{count} of kind {kind}" for kind, count in row["orphans"].items())
    return f"{counted}: counted and left alone, as adopt = {row['adopt']} says" if counted else "nothing"
