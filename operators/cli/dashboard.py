"""The verb `dashboard`: a link that signs a browser in."""

from typing import Annotated

import typer

from operators.access import Right
from operators.cli import present
from operators.cli.context import configuration, verb
from operators.cli.options import Json
from operators.clock import now
from operators.dashboard.links import sign_in_link

opening = typer.Typer()


@opening.command()
@verb
async def dashboard(
    looking: Annotated[bool, typer.Option("--read", help="For somebody who is to look, and not to act.")] = False,
    in_json: Json = False,
) -> None:
    """Print a link that opens the dashboard.

    It signs one browser in, once, within five minutes, and does not hold the token. The service has to run, with the same
    configuration: `batchkeeper up`.
    """
    link = sign_in_link(configuration(), Right.READ if looking else None, now())
    if in_json:
        present.as_json({"url": link})
    else:
        typer.echo(link)
