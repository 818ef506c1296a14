"""The verbs about hand-offs: handoffs lists them, handoff shows one, replay has some tried again."""

from typing import Annotated

import typer

from operators import filters, handed_on, listings
from operators.cli import present
from operators.cli.columns import HANDOFFS, RARE, WIDTHS
from operators.cli.context import complain, configuration, verb
from operators.cli.options import All, Form, Json, Limit, OfSource, Since, Until, asked_for, shape
from operators.clock import now
from operators.errors import BadInput
from operators.store import opened
from operators.views import View
from reconciler.events import HANDOFF
from schemas.config import Config
from schemas.ids import shown
from schemas.texts import clean
from schemas.words import HandoffState
from storage import handoffs as stored
from storage import leases
from storage.store import Store

handing = typer.Typer()

NEWEST, PORTION = 100, 500

OfTarget = Annotated[str | None, typer.Option("--target", metavar="NAME", help="Only to this target.")]


@handing.command()
@verb
async def handoffs(
    state: Annotated[
        HandoffState | None,
        typer.Option("--state", metavar="STATE", help=f"Only in this state: {', '.join(HandoffState)}."),
    ] = None,
    target: OfTarget = None,
    source: OfSource = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only about this job.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = NEWEST,
    every: All = False,
    in_json: Json = False,
    form: Form = None,
) -> None:
    """List what downstream was told or is to be told, the newest first.

    Below stands which targets have a backlog, and since when the oldest of it waits.
    """
    given = {"state": state, "target": target, "source": source, "job": job, "since": since, "until": until}
    asked = asked_for(filters.HANDOFFS, given, limit, every)
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await listings.list_handoffs(connection, config, asked)
        backlog = await handed_on.backlog(connection, config)
    if target is not None and target not in config.handoffs and not found.rows:
        known = ", ".join(sorted(config.handoffs)) or "none"
        raise BadInput(f"no target is called {clean(target, 63)}; configured are: {known}")
    wanted = " ".join(asked.by.values())
    nothing = f"nothing here for {wanted}" if wanted else "nothing was handed on yet"
    present.listing(found, HANDOFFS, shape(in_json, form), nothing, WIDTHS, RARE)
    if shape(in_json, form) is present.Shape.TABLE:
        _footer(backlog)


@handing.command()
@verb
async def handoff(
    name: Annotated[str, typer.Argument(metavar="HANDOFF", help="Its id, hnd_....")], in_json: Json = False
) -> None:
    """Show one hand-off whole, with its event as it is sent."""
    config = configuration()
    async with opened(config) as store, store.reading() as connection:
        found = await handed_on.show_handoff(connection, config, name)
    if in_json:
        present.as_json(found)
        return
    event = found.pop("event")
    typer.echo(present.heading(found["id"]))
    present.fields((label, _told(found, label)) for label in found if label not in ("id", "target_configured"))
    typer.echo("\n" + present.heading("event"))
    present.as_json(event)


@handing.command()
@verb
async def replay(
    names: Annotated[list[str] | None, typer.Argument(metavar="[HANDOFF]...", help="Their ids, hnd_....")] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="NAME", help="With --dead: of this target.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="With --target: all dead ones of it.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --dead: without it, only how many they are is said.")
    ] = False,
) -> None:
    """Have hand-offs told again, each under its own id.

    By their ids, also those that are done or withdrawn; or all dead ones of a target, by --target NAME --dead --yes.
    """
    if bool(names) == bool(target or dead) or (target is None) == dead:
        raise BadInput("name hand-offs by their ids, or all dead ones of a target by --target NAME --dead --yes")
    config = configuration()
    async with opened(config) as store:
        if names:
            await _replay(store, config, names)
        elif target is not None:
            await _replay_dead(store, config, target, yes)


async def _replay(store: Store, config: Config, names: list[str]) -> None:
    async with store.writing() as connection:
        rows = await handed_on.replay(connection, config, names, store.new_id, now())
    for row in rows:
        typer.echo(f"{shown(HANDOFF, row.id)}: it will be told to {row.target} again")
    for name in sorted({row.target for row in rows}):
        await _hint(store, name)


async def _replay_dead(store: Store, config: Config, target: str, yes: bool) -> None:
    handed_on.refuse_unconfigured(config, target)
    if not yes:
        async with store.reading() as connection:
            count = len(await stored.dead(connection, target, None))
        raise BadInput(f"{count} dead hand-offs would be told to {target} again; add --yes to have that done")
    count = 0
    while True:
        async with store.writing() as connection:
            names = [shown(HANDOFF, number) for number in await stored.dead(connection, target, PORTION)]
            count += len(await handed_on.replay(connection, config, names, store.new_id, now()))
        if len(names) < PORTION:
            break
    typer.echo(f"{count} hand-offs will be told to {target} again")
    await _hint(store, target)


async def _hint(store: Store, target: str) -> None:
    """Say so when nobody is there to tell it."""
    async with store.reading() as connection:
        holder = await leases.holder_of(connection, f"handoff:{target}", store.engine.lease_clock(now()))
    if holder is None:
        complain(
            f"no reconciler is at work for {target}; `batchkeeper up` or `batchkeeper reconcile --once` goes on from here"
        )


def _told(found: View, label: str) -> object:
    if label == "target" and not found["target_configured"]:
        return f"{found['target']}, which is configured no more"
    value = found[label]
    return f"{present.moment(value)} UTC" if label.endswith("_at") and value else value


def _footer(backlog: list[View]) -> None:
    """What waits, for whom."""
    for row in backlog:
        count = f"{row['waiting']} waiting for {present.text_of(row['target'])}"
        gone = "" if row["target_configured"] else ", which is configured no more"
        typer.echo(f"{count}{gone}; the oldest since {present.moment(row['oldest_made_at'])} UTC")
