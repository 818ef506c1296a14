"""The file that is to be submitted, whatever its form: JSONL as it is, CSV by way of lines of JSON."""

from collections.abc import Mapping
from pathlib import Path

from operators.csv_rows import is_csv, rows_from_csv
from operators.errors import BadInput
from operators.rows_file import RowsFile, read_rows
from schemas.dialects import Dialect


def read_input(
    path: Path,
    dialect: Dialect,
    folder: Path,
    headers: Mapping[str, str],
    shard_rows: int | None = None,
    endpoint: str | None = None,
    name: str | None = None,
) -> RowsFile:
    """Check a file of requests. Of a CSV, `folder` gets the lines of JSON, and `headers` says where its columns stand.

    Raises:
        BadInput: as `read_rows` and `rows_from_csv` do, or there are headers and the file is no CSV.
    """
    if not is_csv(name or path.name):
        if headers:
            raise BadInput(f"columns are for CSV, and {name or path} is none")
        return read_rows(path, dialect, shard_rows, endpoint, name)
    lines = folder / "lines.jsonl"
    rows_from_csv(path, dialect, headers, lines, name)
    return read_rows(lines, dialect, shard_rows, endpoint, name or path.name, unit="row")
