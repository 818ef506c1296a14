"""The verb `events`: what happens, as it happens."""

import json
from typing import Annotated

import typer

from operators.cli import present
from operators.cli.context import configuration, source_named, verb
from operators.cli.options import Json, OfSource
from operators.clock import now
from operators.durations import duration
from operators.happenings import Follower, follow
from operators.store import opened
from operators.views import View

happening = typer.Typer()


@happening.command()
@verb
async def events(
    source: OfSource = None,
    since: Annotated[
        str, typer.Option("--since", metavar="LENGTH", help="From how long ago on, such as 90s or 6h.")
    ] = "10m",
    for_ever: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")] = False,
    in_json: Json = False,
) -> None:
    """Print what happens, the oldest first: deliveries, refusals, moves, failures, findings, actions, hand-offs.

    A line for each; with --json each is an object. Ctrl-C ends --follow.
    """
    begins = now() - duration("--since", since)
    config = configuration()
    if source is not None:
        source_named(config, source)
    async with opened(config) as store:
        async for view in follow(store, Follower(begins, source), for_ever):
            typer.echo(json.dumps(view) if in_json else _line(view))


def _line(view: View) -> str:
    name = f"{view['source'] or '(unknown)'}/{view['job_id']}" if view["job_id"] else view["source"] or "(unknown)"
    text = present.text_of(view["about"])
    return f"{present.moment(view['at'])}  {view['what']:<8}  {present.text_of(name)}  {text}"
