"""The verbs about fan-out: groups, group, submissions, resubmit."""

from typing import Annotated

import typer

from operators import fan_out, filters, listings
from operators.cli import present
from operators.cli.columns import GROUPS, MEMBERS, RARE, SUBMISSIONS, WIDTHS
from operators.cli.context import configuration, verb
from operators.cli.options import All, Form, Json, Limit, OfLabel, OfSource, Since, Until, asked_for, shape
from operators.cli.told import money
from operators.cli.work import hint
from operators.clock import now
from operators.store import opened
from operators.views import View

fan = typer.Typer()

NEWEST = 100


@fan.command()
@verb
async def groups(
    source: OfSource = None,
    label: OfLabel = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List groups of jobs that were submitted as one piece of work, the newest first."""
    given = {"source": source, "label": label, "since": since, "until": until}
    asked = asked_for(filters.GROUPS, given, limit, every)
    async with opened(configuration()) as store, store.reading() as connection:
        found = await listings.list_groups(connection, asked)
    nothing = "no group yet; `batchkeeper submit` with --shard-rows, or with a large file, makes one"
    present.listing(found, GROUPS, shape(in_json, form), nothing, WIDTHS, RARE)


@fan.command()
@verb
async def group(
    name: Annotated[str, typer.Argument(metavar="GROUP", help="The group's id, grp_...")], in_json: Json = False
) -> None:
    """Show one group: how many of its jobs are where, what they cost, and each of them."""
    async with opened(configuration()) as store, store.reading() as connection:
        found = await fan_out.show_group(connection, name)
    if in_json:
        present.as_json(found)
        return
    typer.echo(present.heading(f"{found['id']}, {found['size']} jobs at {present.text_of(found['source'])}"))
    shown = ("input", "policy", "where", "done", "outcome", "rows", "labels")
    times = [(name, found[f"{name}_at"]) for name in ("created", "completed")]
    present.fields(
        [
            *((field, found[field]) for field in shown if found[field]),
            ("cost", cost_in_words(found["cost"], found["size"])),
            *((name, f"{present.moment(at)} UTC") for name, at in times if at),
        ]
    )
    typer.echo("\n" + present.heading("its parts"))
    present.table(found["members"], MEMBERS, WIDTHS, rare=MEMBERS)


def cost_in_words(cost: View | None, size: int) -> str:
    if cost is None:
        return "the provider has told nothing of it yet"
    sums = ", ".join(str(money(nanos, currency.upper())) for currency, nanos in cost["nanos"].items())
    return f"{sums}, told of {cost['jobs_told']} of {size} jobs, {cost['jobs_settled']} of them settled"


@fan.command()
@verb
async def submissions(
    source: OfSource = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only in this state; may be repeated.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List what was submitted from here, the newest first: how far each part came, and when it goes on."""
    given = {"source": source, "state": state, "since": since, "until": until}
    asked = asked_for(filters.SUBMISSIONS, given, limit, every)
    async with opened(configuration()) as store, store.reading() as connection:
        found = await listings.list_submissions(connection, asked)
    present.listing(found, SUBMISSIONS, shape(in_json, form), "nothing was submitted from here yet", WIDTHS, RARE)


@fan.command()
@verb
async def resubmit(
    name: Annotated[str, typer.Argument(metavar="SUBMISSION", help="Its id, sub_...")],
    sure: Annotated[
        bool, typer.Option("--yes", help="Yes, the provider has made no job of it: I have looked there.")
    ] = False,
    in_json: Json = False,
) -> None:
    """Send a submission once more that was refused or dropped, or of which nobody knows whether it made a job."""
    async with opened(configuration()) as store:
        async with store.writing() as connection:
            row = await fan_out.resubmit(connection, name, sure, now())
        if in_json:
            present.as_json(row)
        else:
            typer.echo(f"{row['id']}: it is sent again")
        await hint(store, row["source"])
