"""How views are shown: as a table that a person reads, or as JSON that a program reads."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from operators.queries import Listing
from operators.views import View
from schemas.texts import clean

Columns = Mapping[str, Callable[[View], Any]]

_COLOURS = {
    "completed": "green",
    "failed": "red",
    "expired": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "execution": "red",
    "cancellation": "yellow",
    "delivery": "magenta",
    "trouble": "yellow",
    "failure": "red",
    "good": "green",
}


def console() -> Console:
    """Standard output: its own width on a terminal; wide, so that nothing is cut, in a pipe."""
    return Console(width=None if sys.stdout.isatty() else 240, highlight=False, soft_wrap=False)


def as_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def listing(found: Listing, columns: Columns, in_json: bool, nothing: str) -> None:
    """Show a listing, and say on standard error when there is more."""
    if in_json:
        as_json(found.rows)
    elif not found.rows:
        typer.echo(nothing)
    else:
        table(found.rows, columns)
    if found.is_cut:
        typer.echo(f"only the newest {len(found.rows)} are shown; --all shows every one", err=True)


def table(rows: Sequence[View], columns: Columns) -> None:
    console().print(table_of(rows, columns))


def table_of(rows: Sequence[View], columns: Columns) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell(read(row)) for read in columns.values()))
    return drawn


def cell(value: Any) -> Text:
    """One value as safe text: whatever a provider put into it, a terminal sees only printable characters."""
    match value:
        case None:
            text = "-"
        case bool():
            text = "yes" if value else "no"
        case _:
            text = clean(str(value), 300)
    return Text(text, style=_COLOURS.get(text, ""))


def moment(value: str | None) -> str:
    """A time of a view, short: without the fraction."""
    return "-" if value is None else value[:19].replace("T", " ")
