"""The verb results: rows on standard output, for a program or for a person."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, TextIO

import typer

from operators.cli.context import complain, configuration, verb
from operators.clock import now
from operators.online.so_far import rows_so_far
from operators.parts import Part, lacking_of, parts_of, require_all
from operators.results import Result, left_out, results
from operators.store import opened
from schemas.config import Config
from schemas.dialects import dialect_of
from schemas.texts import clean
from storage.files import files_for

show = typer.Typer()

COLUMNS = ("custom_id", "outcome", "status_code", "error_code", "error_message", "body")
_LONGEST_CELL = 100_000
Print = Callable[[Iterable[Result]], None]


class Format(StrEnum):
    """How rows are written."""

    JSONL = "jsonl"
    CSV = "csv"


@show.command("results")
@verb
async def show_results(
    name: Annotated[
        str, typer.Argument(metavar="JOB|GROUP", help="A job by any of its names, or a group's id (grp_...).")
    ],
    form: Annotated[Format, typer.Option("--format", help="jsonl, the provider's own lines, or csv.")] = Format.JSONL,
    failed: Annotated[bool, typer.Option("--failed", help="Only rows that failed, or of which none came.")] = False,
    partial: Annotated[
        bool,
        typer.Option(
            "--partial", help="What is there, although it is not all: of a job that runs, the rows that are done."
        ),
    ] = False,
) -> None:
    """Print the rows of a job or a group, in the order in which they were asked for."""
    config = configuration()
    async with opened(config) as store:
        async with store.reading() as connection:
            parts = await parts_of(connection, config, name, now())
        require_all(parts, name, failed, partial)
        so_far = await rows_so_far(config, store, parts, now)
    _PRINT[form, sys.stdout.isatty()](_results(config, parts, failed, so_far))
    for line in [*left_out(parts), *(lacking_of(parts, failed) if partial else ())]:
        complain(line)


def _results(
    config: Config, parts: Iterable[Part], failed: bool, so_far: Mapping[int, list[Result]]
) -> Iterator[Result]:
    files = files_for(config.data)
    for part in parts:
        if part.facts is not None and part.facts.job.id in so_far:
            yield from (row for row in so_far[part.facts.job.id] if not (failed and row.outcome == "succeeded"))
            continue
        source = part.facts.job.source if part.facts else part.submission.source if part.submission else ""
        yield from results(files, dialect_of(config.sources[source]), part, failed)


def _lines(found: Iterable[Result]) -> None:
    """Byte for byte, into a pipe."""
    for result in found:
        sys.stdout.buffer.write(result.line + b"\n")
    sys.stdout.buffer.flush()


def _lines_to_terminal(found: Iterable[Result]) -> None:
    """The same values in ASCII: escaped, nothing in them can be a command to the terminal."""
    for result in found:
        sys.stdout.write(json.dumps(json.loads(result.line)) + "\n")


def _table(found: Iterable[Result]) -> None:
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", "backslashreplace", newline="", write_through=True)
    try:
        _write_csv(out, found, lambda cell: cell)
    finally:
        out.detach()


def _table_to_terminal(found: Iterable[Result]) -> None:
    _write_csv(sys.stdout, found, lambda cell: clean(cell, _LONGEST_CELL))


def _write_csv(out: TextIO, found: Iterable[Result], safe: Callable[[str], str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in found:
        row = result.row
        body = (row.body or b"").decode("utf-8", "replace")
        cells = (row.custom_id, result.outcome, row.status_code, row.error_code, row.error_message, body)
        writer.writerow([safe("" if cell is None else str(cell)) for cell in cells])


_PRINT: dict[tuple[Format, bool], Print] = {
    (Format.JSONL, False): _lines,
    (Format.JSONL, True): _lines_to_terminal,
    (Format.CSV, False): _table,
    (Format.CSV, True): _table_to_terminal,
}
