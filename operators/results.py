"""Results: the rows of jobs, in the order in which they were asked for. Read where they are kept, one at a time."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Literal

from operators.errors import NotPossible
from operators.parts import Part
from reconciler.rounds.matching import asked_ids, read_line
from schemas.contents import NoRow, ResultRow
from schemas.dialects import Dialect
from schemas.jsonl import lines_of
from schemas.tables import OutputRow
from storage.files import Files

Outcome = Literal["succeeded", "failed", "missing"]
_BLOCK = 1_048_576
MISSING: Outcome = "missing"


@dataclass(frozen=True, slots=True)
class Result:
    """One row: the provider's own line, or where none came, one of ours that says so."""

    outcome: Outcome
    row: ResultRow
    line: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row stands: in which stream, from which byte, and how long it is."""

    stream: BinaryIO
    offset: int
    length: int
    succeeded: bool


def results(files: Files, dialect: Dialect, part: Part, failed: bool) -> Iterator[Result]:
    """The rows of one part, each custom id once, in the order of its input; where that is not kept here, as the files have them.

    With `failed`, only those that failed or of which none came. Memory grows with the custom ids and not with the rows.

    Raises:
        NotPossible: a file is not there, or is not what was fetched.
    """
    asked = asked_ids(files, dialect, part.submission.staged_as if part.submission else None)
    with ExitStack() as stack:
        places: dict[str, _Place] = {}
        for output in part.files:
            stream = stack.enter_context(_opened(files, output, part.name))
            _index(stream, dialect, places)
        for custom_id in places if asked is None else asked:
            place = places.get(custom_id)
            if place is None:
                if failed:
                    yield _missing(custom_id)
            elif not (failed and place.succeeded):
                yield _read(place, dialect)


def _opened(files: Files, output: OutputRow, job: str) -> BinaryIO:
    """A file that is what was fetched, byte for byte."""
    name = str(output.stored_as)
    try:
        stream = files.open(name, jumping=True)
    except FileNotFoundError:
        raise NotPossible(
            f"{name} is not in {files.place}. If it was removed, `batchkeeper poll {job}` has it fetched again, as long as the "
            "provider has it; or does this machine not share that place?"
        ) from None
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    if digest.hexdigest() != output.sha256:
        stream.close()
        raise NotPossible(
            f"{files.place}/{name} is not what was fetched: its SHA-256 is {digest.hexdigest()}. Remove it, and "
            f"`batchkeeper poll {job}` has it fetched again"
        )
    stream.seek(0)
    return stream


def _index(stream: BinaryIO, dialect: Dialect, places: dict[str, _Place]) -> None:
    """Note where each custom id stands first."""
    for line in lines_of(stream):
        row = read_line(dialect, line)
        if isinstance(row, ResultRow) and row.custom_id not in places:
            places[row.custom_id] = _Place(stream, line.offset, len(line.content or b""), row.succeeded)


def _read(place: _Place, dialect: Dialect) -> Result:
    place.stream.seek(place.offset)
    line = place.stream.read(place.length)
    row = dialect.read_row(line)
    if isinstance(row, NoRow):
        raise NotPossible("a file was changed while it was read")
    return Result("succeeded" if row.succeeded else "failed", row, line)


def _missing(custom_id: str) -> Result:
    error = {"code": str(MISSING), "message": "the provider's files hold no row with this custom_id"}
    line = json.dumps({"custom_id": custom_id, "response": None, "error": error}).encode()
    return Result(MISSING, ResultRow(custom_id, False, None, error["code"], error["message"]), line)


def left_out(parts: Sequence[Part]) -> list[str]:
    """What the files hold besides, which is no answer to a request."""
    told = []
    for part in parts:
        match = part.facts.current_match if part.facts else None
        counts = {name: getattr(match, name) for name in ("repeated", "strange", "unreadable")} if match else {}
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        if said:
            told.append(f"{part.name}: {said} left out; `batchkeeper job` shows the first of them")
    return told
