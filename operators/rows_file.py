"""The file of requests that a batch is made of: checked line by line, and described, before anything is sent."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from operators.errors import BadInput
from schemas.dialects import Dialect
from schemas.texts import clean

MOST_PROBLEMS_SHOWN = 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a file that becomes one job: `size` bytes from `begins`, in whole lines."""

    begins: int
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class RowsFile:
    """A checked file. `endpoint` is what every row asks for."""

    path: Path
    name: str
    rows: int
    size: int
    sha256: str
    endpoint: str
    shards: tuple[Shard, ...]


def read_rows(
    path: Path,
    dialect: Dialect,
    shard_rows: int | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    unit: str = "line",
) -> RowsFile:
    """Check every line of a JSONL file, and tell all that is wrong with it at once, with line numbers.

    It is cut into shards of at most `shard_rows` rows that each keep within the limits of the dialect. An `endpoint` stands for
    what rows leave out; `name` is what the file is called where it comes from, and `unit` what is counted there.

    Raises:
        BadInput: the file cannot be read, or any line is no request, repeats a custom_id, is too long by itself, or asks for
            another endpoint.
    """
    endpoint = endpoint or dialect.default_endpoint
    if dialect.endpoints and endpoint not in dialect.endpoints:
        there_are = " or ".join(f"--endpoint {one}" for one in dialect.endpoints)
        said = (
            f"{clean(endpoint, 80)} is none of {dialect.name}'s" if endpoint else "nothing says what the rows are for"
        )
        raise BadInput(f"{name or path}: {said}; write {there_are}")
    limits = dialect.input_limits(endpoint)
    reading = _Reading(Cutting(limits.file_bytes, least(limits.rows, shard_rows)), dialect, endpoint, unit)
    try:
        if path.exists() and not path.is_file():
            raise BadInput(f"cannot read {path}: it is not a file")
        with path.open("rb") as lines:
            for line in lines:
                reading.take(line)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    reading.end()
    if reading.problems:
        raise BadInput(_text(name or str(path), reading))
    digest, url = reading.digest.hexdigest(), next(iter(reading.endpoints))
    return RowsFile(path, name or path.name, reading.rows, reading.size, digest, url, reading.cutting.shards())


def least(*bounds: int | None) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)


@dataclass
class Cutting:
    """Where a file is cut, line by line. None: there is no such bound."""

    most_bytes: int | None = None
    most_rows: int | None = None
    done: list[Shard] = field(default_factory=list)
    begins: int = 0
    size: int = 0
    rows: int = 0

    def take(self, length: int, is_row: bool) -> None:
        """One line more; a blank one goes with the rows before it."""
        if is_row and self.rows and self._is_full(length):
            self.done.append(Shard(self.begins, self.size, self.rows))
            self.begins, self.size, self.rows = self.begins + self.size, 0, 0
        self.size += length
        self.rows += is_row

    def shards(self) -> tuple[Shard, ...]:
        return (*self.done, Shard(self.begins, self.size, self.rows))

    def _is_full(self, length: int) -> bool:
        too_many = self.most_rows is not None and self.rows >= self.most_rows
        return too_many or (self.most_bytes is not None and self.size + length > self.most_bytes)


@dataclass
class _Reading:
    """What is known of a file after so many lines."""

    cutting: Cutting
    dialect: Dialect
    endpoint: str | None = None
    unit: str = "line"
    number: int = 0
    rows: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    lines: dict[str, int] = field(default_factory=dict)  # where each custom_id stands
    endpoints: dict[str, int] = field(default_factory=dict)  # where each url stands first
    problems: list[str] = field(default_factory=list)  # the first ones
    more: int = 0  # how many beyond those

    def take(self, line: bytes) -> None:
        self.number += 1
        self.size += len(line)
        self.digest.update(line)
        self.cutting.take(len(line), bool(line.strip()))
        if line.strip():
            self.rows += 1
            for problem in self._problems(line):
                self._note(f"{self.unit} {self.number}: {problem}")

    def end(self) -> None:
        if len(self.endpoints) > 1:
            several = [
                f"{clean(url, 80)} (first in {self.unit} {line})" for url, line in list(self.endpoints.items())[:5]
            ]
            self._note(f"one batch has one endpoint, and the rows have several: {', '.join(several)}")
        if not self.rows:
            self._note("the file has no rows" + ("; each line is one request, as JSON" if self.unit == "line" else ""))

    def _note(self, problem: str) -> None:
        if len(self.problems) < MOST_PROBLEMS_SHOWN:
            self.problems.append(problem)
        else:
            self.more += 1

    def _problems(self, line: bytes) -> Iterator[str]:
        try:
            row = _parsed(line)
        except ValueError as error:
            yield str(error)
            return
        most = self.cutting.most_bytes
        if most is not None and len(line) > most:
            yield f"takes {len(line)} bytes, and the provider takes files of at most {most}"
        yield from self._custom_id(row.get("custom_id"))
        checked = self.dialect.check_request(row, self.endpoint)
        yield from checked.problems
        if checked.endpoint is not None:
            self.endpoints.setdefault(checked.endpoint, self.number)

    def _custom_id(self, custom_id: Any) -> Iterator[str]:
        if not isinstance(custom_id, str) or not custom_id:
            yield "custom_id is missing or empty; it tells the results apart"
        elif not custom_id.isprintable() or _is_half(custom_id):
            yield f"custom_id {clean(custom_id, 80)} holds what cannot be written; results could not be told apart by it"
        elif custom_id in self.lines:
            yield f"custom_id {clean(custom_id, 80)} stands in {self.unit} {self.lines[custom_id]} already"
        else:
            self.lines[custom_id] = self.number


def _is_half(text: str) -> bool:
    """Whether it holds half of a character, as a text that was cut may."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _parsed(line: bytes) -> dict[str, Any]:
    """One row. A ValueError says in words for a person why it is none."""
    if line.startswith(_BYTE_ORDER_MARK):
        raise ValueError("begins with a byte order mark; save the file as UTF-8 without one")
    try:
        row = json.loads(line.rstrip(b"\r\n").decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} in column {error.colno}") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object; each line is one request")
    return row


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{clean(twice, 80)} stands twice in one object")
    return row


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _text(name: str, reading: _Reading) -> str:
    shown = [f"  {problem}" for problem in reading.problems]
    if reading.more:
        shown.append(f"  ... and {reading.more} more")
    return "\n".join([f"{name} cannot be submitted; nothing was sent:", *shown])
