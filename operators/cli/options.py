"""Arguments and options that several verbs have, each written once."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many of the newest to show.")]
All = Annotated[bool, typer.Option("--all", help="Show every one.")]
OfSource = Annotated[str | None, typer.Option("--source", metavar="SOURCE", help="Only of this source.")]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="Our id, SOURCE/JOB_ID, or the provider's id.")]
