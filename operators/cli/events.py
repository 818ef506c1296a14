"""The verb `events`: what happens, as it happens."""

import json
from typing import Annotated

import typer

from operators.cli import present
from operators.cli.context import configuration, source_named, verb
from operators.cli.options import Form, Json, OfSource, shape
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
    form: Form = None,
) -> None:
    """Print what happens, the oldest first: deliveries, refusals, moves, failures, findings, actions, hand-offs.

    A line for each; with --json or --format jsonl each is an object. Ctrl-C ends --follow.
    """
    printed = shape(in_json, form)
    begins = now() - duration("--since", since)
    config = configuration()
    if source is not None:
        source_named(config, source)
    is_first = True
    async with opened(config) as store:
        async for view in follow(store, Follower(begins, source), for_ever):
            _tell(view, printed, is_first)
            is_first = False


def _tell(view: View, printed: present.Shape, is_first: bool) -> None:
    """One at a time: there is no end of them to wait for, so that JSON is a line each."""
    match printed:
        case present.Shape.CSV:
            present.as_csv([view], with_header=is_first)
        case present.Shape.TABLE:
            typer.echo(_line(view))
        case _:
            typer.echo(json.dumps(view))


def _line(view: View) -> str:
    name = f"{view['source'] or '(unknown)'}/{view['job_id']}" if view["job_id"] else view["source"] or "(unknown)"
    text = present.text_of(view["about"])
    return f"{present.moment(view['at'])}  {view['what']:<8}  {present.text_of(name)}  {text}"
