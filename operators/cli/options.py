"""Arguments and options that several verbs have, each written once."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from operators import filters
from operators.cli.present import Shape
from operators.clock import now
from operators.errors import BadInput
from operators.filters import Asked, Noun
from operators.statuses import HELP
from schemas.words import Category, Code

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Form = Annotated[
    Shape | None, typer.Option("--format", metavar="FORMAT", help="table, json, jsonl (an object a line) or csv.")
]
NoForm = Annotated[str | None, typer.Option("--format", hidden=True)]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many of the newest to show.")]
All = Annotated[bool, typer.Option("--all", help="Show every one.")]
OfSource = Annotated[str | None, typer.Option("--source", metavar="SOURCE", help="Only of this source.")]
OfKind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only jobs of this kind.")]
OfLabel = Annotated[str | None, typer.Option("--label", metavar="KEY=VALUE", help="Only with this label.")]
OfJobId = Annotated[str | None, typer.Option("--job-id", metavar="ID", help="Only with this provider's id.")]
OfPrefix = Annotated[
    str | None,
    typer.Option("--job-id-prefix", metavar="TEXT", help="Only where the provider's id begins so; listed by that id."),
]
OfCategory = Annotated[
    Category | None,
    typer.Option("--category", metavar="CATEGORY", help=f"Only of this category: {', '.join(Category)}."),
]
OfCode = Annotated[
    Code | None, typer.Option("--code", metavar="CODE", help="Only of this code; docs/failures.md has them all.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only from then on: RFC 3339, or how long ago, such as 6h."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only from before then: RFC 3339, or how long ago.")
]
OfStatus = Annotated[list[str] | None, typer.Option("--status", metavar="STATUS", help=HELP)]
Sure = Annotated[bool, typer.Option("--yes", help="Yes, every open job of that scope.")]
MaybeJob = Annotated[
    str | None, typer.Argument(metavar="[JOB]", help="Our id, SOURCE/JOB_ID, or the provider's id; or name a scope.")
]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="Our id, SOURCE/JOB_ID, or the provider's id.")]


def asked_for(noun: Noun, given: Mapping[str, str | Sequence[str] | bool | None], limit: int, every: bool) -> Asked:
    """What the options of a listing ask for. Raises BadInput for what cannot be combined."""
    texts = {name: _texts(value) for name, value in given.items()}
    return filters.read(noun, texts, now(), None if every else limit)


def shape(in_json: bool, form: Shape | None) -> Shape:
    """The form to print in: --json is short for --format json."""
    if in_json and form not in (None, Shape.JSON):
        raise BadInput(f"--json and --format {form} cannot be combined")
    return form or (Shape.JSON if in_json else Shape.TABLE)


def refuse_form(form: str | None, what: str) -> None:
    """Raise BadInput for a verb that tells of one thing, and lists nothing."""
    if form is not None:
        raise BadInput(f"--format is for listings, and {what} is none: --json prints it as one object")


def _texts(value: str | Sequence[str] | bool | None) -> Sequence[str]:
    if value is None or value is False:
        return []
    return ["true"] if value is True else [value] if isinstance(value, str) else value
