"""How views are shown: as a table that a person reads, as plain lines in a pipe, or as JSON that a program reads."""

import csv
import json
import os
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from operators.listings import Listing
from operators.views import View
from schemas.texts import clean

Columns = Mapping[str, Callable[[View], Any]]

LONGEST_CELL, LONGEST_FIELD = 300, 1_000
LONGEST_WORD, NARROWEST, GAP = 36, 12, 2  # characters of a column
MOST_DRAWN = 2_000  # rows; beyond that a table takes longer to draw than anybody reads
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NO_WIDTHS: Mapping[str, int] = {}

# What stands before a finding, by its tone.
MARKS = {"good": " ", "note": "-", "trouble": "!", "failure": "!"}

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
    """Standard output: its own width on a terminal; wide, so that nothing is cut, in a pipe. With NO_COLOR nothing is styled,
    and bold is a style."""
    width = None if sys.stdout.isatty() else 240
    return Console(width=width, highlight=False, soft_wrap=False, color_system=colours())


def colours() -> Literal["auto"] | None:
    return None if os.environ.get("NO_COLOR") else "auto"


def as_json(value: Any) -> None:
    """Print JSON in ASCII: escaped, nothing in it can be a command to the terminal."""
    typer.echo(json.dumps(value, indent=2))


class Shape(StrEnum):
    """In which form a listing is printed."""

    TABLE = "table"
    JSON = "json"  # one array
    JSONL = "jsonl"  # an object a line
    CSV = "csv"


def listing(
    found: Listing,
    columns: Columns,
    shape: Shape,
    nothing: str,
    widths: Mapping[str, int] = _NO_WIDTHS,
    rare: Collection[str] = (),
) -> None:
    """Show a listing, and say on standard error when there is more. For `widths` and `rare` see `fitting`."""
    match shape:
        case Shape.JSON:
            as_json(found.rows)
        case Shape.JSONL:
            for row in found.rows:
                typer.echo(json.dumps(row))
        case Shape.CSV:
            as_csv(found.rows)
        case Shape.TABLE if not found.rows:
            typer.echo(nothing)
        case Shape.TABLE:
            table(found.rows, columns, widths, rare)
    if found.is_cut:
        count = len(found.rows)
        typer.echo(f"only the newest {count} {'is' if count == 1 else 'are'} shown; --all shows every one", err=True)


def as_csv(rows: Sequence[View], with_header: bool = True) -> None:
    """Print views as CSV: a column for each member, JSON in those that hold more than a value."""
    if not rows:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if with_header:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row.values()])


def _csv_cell(value: Any) -> Any:
    """A spreadsheet takes what begins with one of a few signs for a formula; such a text gets an apostrophe in front."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    text = value if isinstance(value, str) else ""
    return f"'{text}" if text[:1] in _FORMULA else clean(text, len(text)) if text else value


def table(
    rows: Sequence[View], columns: Columns, widths: Mapping[str, int] = _NO_WIDTHS, rare: Collection[str] = ()
) -> None:
    """A table on a terminal; elsewhere, and when it is very long, one line a row with every column."""
    if sys.stdout.isatty() and len(rows) <= MOST_DRAWN:
        screen = console()
        screen.print(table_of(rows, fitting(columns, rows, screen.width, widths, rare), screen.width))
        return
    for line in lines_of(rows, columns):
        typer.echo(line)


def fitting(
    columns: Columns, rows: Sequence[View], width: int, widths: Mapping[str, int], rare: Collection[str]
) -> Columns:
    """The columns for a terminal: without those that want a wider one, and without `rare` ones that nobody fills."""
    return {
        name: read
        for name, read in columns.items()
        if widths.get(name, 0) <= width and (name not in rare or any(read(row) for row in rows))
    }


def table_of(rows: Sequence[View], columns: Columns, width: int | None = None) -> Table:
    """A table for a terminal of this width. Words such as ids stay whole where there is room, and sentences wrap."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    cells = {name: [cell(read(row)) for row in rows] for name, read in columns.items()}
    texts = {name: [text.plain for text in column] for name, column in cells.items()}
    whole = _whole(texts, width or console().width)
    for name in columns:
        drawn.add_column(name, overflow="fold", no_wrap=name in whole)
    for row in zip(*cells.values(), strict=True):
        drawn.add_row(*row)
    return drawn


def _whole(texts: Mapping[str, Sequence[str]], screen: int) -> Collection[str]:
    """The columns that do not wrap; none when even the others would then have too little room."""
    widths = {name: max(len(name), *map(len, column)) for name, column in texts.items() if column}
    whole = {
        name: width
        for name, width in widths.items()
        if width <= LONGEST_WORD and ("(UTC)" in name or not any(" " in text for text in texts[name]))
    }
    wrapping = len(texts) - len(whole)
    room = screen - sum(whole.values()) - GAP * (len(texts) - 1)
    return whole if room >= wrapping * NARROWEST else ()


def lines_of(rows: Sequence[View], columns: Columns) -> Iterator[str]:
    """Header and rows, each column as wide as its longest text."""
    texts = [list(columns), *([text_of(read(row)) for read in columns.values()] for row in rows)]
    widths = [max(len(line[place]) for line in texts) for place in range(len(columns))]
    for line in texts:
        yield (" " * GAP).join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def cell(value: Any) -> Text:
    """One value as safe text: whatever a provider put into it, a terminal sees only printable characters."""
    text = text_of(value)
    return Text(text, style=_COLOURS.get(text.partition(" ")[0].rstrip(":,"), ""))


def text_of(value: Any, limit: int = LONGEST_CELL) -> str:
    """One value in words: a mapping as `name value` pairs, without what is not there."""
    if value in (None, [], {}):
        return "-"
    match value:
        case bool():
            text = "yes" if value else "no"
        case dict():
            pairs = (f"{name} {text_of(item)}" for name, item in value.items() if item not in (None, [], {}))
            text = ", ".join(pairs) or "-"
        case list():
            text = "; ".join(text_of(item) for item in value)
        case _:
            text = str(value)
    return clean(text, limit)


def fields(values: Iterable[tuple[str, Any]], indent: int = 2) -> None:
    """Names and values, one a line."""
    pairs = list(values)
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        lines = wrapped(text_of(value, LONGEST_FIELD), indent + width + 2)
        typer.echo(f"{' ' * indent}{name:<{width}}  {lines[0]}")
        for line in lines[1:]:
            typer.echo(" " * (indent + width + 2) + line)


def wrapped(text: str, indent: int) -> list[str]:
    """A text in lines that fit a terminal beside an indent; in a pipe it stays one line."""
    if not sys.stdout.isatty():
        return [text]
    width = max(30, console().width - indent)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [text]


def heading(text: str) -> str:
    """A line that begins a section."""
    return typer.style(text, bold=True) if _is_coloured() else text


def coloured(text: str, word: str) -> str:
    """A text in the colour of a word, where there are colours."""
    colour = _COLOURS.get(word)
    return typer.style(text, fg=colour) if colour and _is_coloured() else text


def moment(value: str | None) -> str:
    """A time of a view, short: without the fraction."""
    return "-" if value is None else value[:19].replace("T", " ")


def _is_coloured() -> bool:
    return console().color_system is not None and not console().no_color
