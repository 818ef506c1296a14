"""Inputs as CSV: each row becomes a line of JSON, by the columns that the source's dialect knows."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from operators.errors import BadInput
from schemas.dialects import Dialect
from schemas.texts import clean

LONGEST_CELL = 1 << 20


def is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def rows_from_csv(
    path: Path, dialect: Dialect, headers: Mapping[str, str], into: Path, name: str | None = None
) -> None:
    """
    Write the rows of a CSV file as JSONL. `headers` names the header under which a column stands, where it is not the column's
    own name; `name` is what the file is called where it comes from. Rows without a custom_id get one by their number: row-1.

    Raises:
        BadInput: the file cannot be read, or its header or a row does not fit.
    """
    shown = name or str(path)
    known = [column.name for column in dialect.columns]
    if not known:
        raise BadInput(f"{shown}: {dialect.name} takes JSONL, one request a line as JSON; docs/submitting.md shows it")
    for column in headers.keys() - set(known):
        raise BadInput(f"--column {clean(column, 40)}: the columns of {dialect.name} are {', '.join(known)}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as text, into.open("wb") as lines:
            _write(csv.reader(text, strict=True), dialect, headers, lines, shown)
    except UnicodeDecodeError:
        raise BadInput(f"{shown} is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise BadInput(f"{shown} is not readable as CSV: {error}") from None
    except OSError as error:
        raise BadInput(f"cannot read {shown}: {error.strerror}") from None


def _write(
    reader: Iterator[list[str]], dialect: Dialect, headers: Mapping[str, str], lines: BinaryIO, shown: str
) -> None:
    csv.field_size_limit(LONGEST_CELL)
    header = [cell.strip() for cell in next(reader, [])]
    places = _places(header, dialect, headers, shown)
    for number, cells in enumerate((row for row in reader if any(cell.strip() for cell in row)), 1):
        if len(cells) > len(header):
            raise BadInput(f"{shown}: row {number} has {len(cells)} cells, and the header names {len(header)}")
        found = {column: cells[place].strip() for column, place in places.items() if place < len(cells)}
        row = {"custom_id": f"row-{number}", **dialect.row_of({column: cell for column, cell in found.items() if cell})}
        lines.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")


def _places(header: list[str], dialect: Dialect, headers: Mapping[str, str], shown: str) -> dict[str, int]:
    """Where each column stands."""
    places: dict[str, int] = {}
    for column in dialect.columns:
        named = headers.get(column.name, column.name)
        if header.count(named) > 1:
            raise BadInput(f"{shown}: {clean(named, 40)} stands twice in the header")
        if named in header:
            places[column.name] = header.index(named)
        elif column.name in headers or column.is_needed:
            there = ", ".join(clean(cell, 40) for cell in header[:20]) or "nothing"
            fix = f"name the header that holds it with --column {column.name}=HEADER"
            raise BadInput(
                f"{shown}: no column {clean(named, 40)} ({column.what}) in the header, which has {there}; {fix}"
            )
    return places
