"""The file of requests that a batch is made of: checked line by line, and described, before anything is sent."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operators.errors import Problem

MOST_PROBLEMS_SHOWN = 20


class BadInput(Problem):
    """The file cannot be submitted as it is. Nothing was sent."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class RowsFile:
    """A checked file. `endpoint` is what every row asks for."""

    path: Path
    rows: int
    size: int
    sha256: str
    endpoint: str


def read_rows(path: Path) -> RowsFile:
    """Check every line of a JSONL file and tell all that is wrong with it at once, with line numbers.

    Raises:
        BadInput: the file cannot be read, or any line is no request, repeats a custom_id, or asks for another endpoint.
    """
    digest, problems, seen, endpoints = hashlib.sha256(), [], dict[str, int](), dict[str, int]()
    rows = size = 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                digest.update(line)
                size += len(line)
                if line.strip():
                    rows += 1
                    problems += [f"line {number}: {problem}" for problem in _problems(line, number, seen, endpoints)]
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    if len(endpoints) > 1:
        ways = ", ".join(f"{url} (first in line {line})" for url, line in endpoints.items())
        problems.append(f"one batch has one endpoint, and the rows have several: {ways}")
    if not rows:
        problems.append("the file has no rows; each line is one request, as JSON")
    if problems:
        raise BadInput(_text(path, problems))
    return RowsFile(path, rows, size, digest.hexdigest(), next(iter(endpoints)))


def _problems(line: bytes, number: int, seen: dict[str, int], endpoints: dict[str, int]) -> list[str]:
    try:
        row: Any = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return ["not JSON in UTF-8"]
    if not isinstance(row, dict):
        return ["not a JSON object"]
    problems = []
    custom_id, url = row.get("custom_id"), row.get("url")
    if not isinstance(custom_id, str) or not custom_id:
        problems.append("custom_id is missing or empty")
    elif custom_id in seen:
        problems.append(f"custom_id {custom_id!r} stands in line {seen[custom_id]} already")
    else:
        seen[custom_id] = number
    if not isinstance(url, str) or not url:
        problems.append("url is missing; it names the endpoint, such as /v1/chat/completions")
    else:
        endpoints.setdefault(url, number)
    if str(row.get("method", "POST")).upper() != "POST":
        problems.append("method has to be POST")
    if not isinstance(row.get("body"), dict):
        problems.append("body is missing or not an object")
    return problems


def _text(path: Path, problems: list[str]) -> str:
    shown = [f"  {problem}" for problem in problems[:MOST_PROBLEMS_SHOWN]]
    if len(problems) > MOST_PROBLEMS_SHOWN:
        shown.append(f"  ... and {len(problems) - MOST_PROBLEMS_SHOWN} more")
    return "\n".join([f"{path} cannot be submitted; nothing was sent:", *shown])
