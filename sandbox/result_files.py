"""The files that a batch leaves behind: which rows stand in which, in which order, and how they are written (contract 2.4, 2.5).

Neither file has its rows in the order in which they were asked. What a scenario does to the rows depends on the batch's id
and on nothing else, so that the file, the stream of G3 and the account of what is in them agree.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from sandbox import rows
from sandbox.batches import Batch, Reading, Results
from sandbox.content import Content, Padded
from sandbox.files import File
from sandbox.rows import Row
from sandbox.scenarios import CONTENT_FAULTS

Line = dict[str, Any]
BODY_ENDS = b'}}, "error": null}\n'


def readable_files(batch: Batch, named: Reading) -> set[str]:
    """The ids of those that can be read, once the gateway has seen them named."""
    files = {named.output_file_id, named.error_file_id}
    if "output_missing" in batch.scenario:
        files.discard(named.output_file_id)
    return {file_id for file_id in files if file_id is not None}


def result_files(batch: Batch, made: Results, now: datetime, huge: int) -> list[File]:
    """The output file and the error file, empty ones included."""
    output, errors = result_contents(batch, made, huge)
    return [
        _file(batch, batch.output_file_id, "output", output, now),
        _file(batch, batch.error_file_id, "error", errors, now),
    ]


def result_contents(batch: Batch, made: Results, huge: int) -> tuple[Content, Content]:
    """What the provider has written, good rows and bad, each ended by LF. `huge` is the size of an output that is to be so."""
    answered = [rows.json_lines([line]) for line in output_lines(batch, made.answered)]
    errors = [rows.json_lines([line]) for line in error_lines(batch, made.errors)]
    return Content(padded(answered, huge) if "output_huge" in batch.scenario else tuple(answered)), Content(
        tuple(errors)
    )


def padded(answered: Sequence[bytes], size: int) -> tuple[Padded, ...]:
    """Rows of the output file, with filler in the answer of each until they have this size together, if they had less."""
    grown = [_with_padding(row) for row in answered]
    spare = max(size - sum(len(row) for row in grown), 0)
    each, more = divmod(spare, len(grown) or 1)
    return tuple(replace(row, filler=each + (place < more)) for place, row in enumerate(grown))


def _with_padding(row: bytes) -> Padded:
    """With a member `padding` at the end of the answer's body, which is where the braces before the error close."""
    answer, close, error = row.rpartition(BODY_ENDS)
    return Padded(answer + b', "padding": "', 0, b'"' + close + error)


def output_lines(batch: Batch, answered: Sequence[Row]) -> list[Line]:
    """The rows of the output file. A strange one is named after the batch, whose id nobody knew who asked."""
    standing = list(answered)
    if "rows_missing" in batch.scenario:
        gone = {row.custom_id for row in _some(batch, answered)}
        standing = [row for row in answered if row.custom_id not in gone]
    if "rows_repeated" in batch.scenario:
        standing += _some(batch, standing)
    if "rows_strange" in batch.scenario:
        taken = enumerate(_some(batch, answered))
        standing += [replace(row, custom_id=f"strange-{batch.id}-{number}") for number, row in taken]
    return _out_of_order(batch, [rows.answered_row(batch.id, row) for row in standing])


def error_lines(batch: Batch, errors: Sequence[Line]) -> list[Line]:
    """The rows of the error file."""
    return _out_of_order(batch, errors)


def rows_in_files(batch: Batch, ended: Reading) -> dict[str, int]:
    """What somebody else who has read the files of a batch that has ended must have counted."""
    asked, answered = len(batch.order.rows), ended.completed
    if "rows_missing" in batch.scenario:
        answered -= _how_many(answered)
    if "output_missing" in batch.scenario:
        answered = 0
    return {
        "asked": asked,
        "answered": answered,
        "failed": ended.failed,
        "missing": asked - answered - ended.failed,
    }


def _how_many(total: int) -> int:
    """About a quarter, and one at least where there is one."""
    return min(max(total // 4, 1), total)


def _some(batch: Batch, standing: Sequence[Row]) -> list[Row]:
    return Random(batch.id).sample(standing, _how_many(len(standing)))


def _out_of_order(batch: Batch, lines: Sequence[Line]) -> list[Line]:
    """Mixed; where chance would have it that they stand as they were asked, the other way round."""
    asked = {row.custom_id: place for place, row in enumerate(batch.order.rows)}
    mixed = Random(batch.id).sample(lines, len(lines))
    places = [asked.get(line["custom_id"], len(asked)) for line in mixed]
    return mixed[::-1] if places == sorted(places) else mixed


def _file(batch: Batch, file_id: str, kind: str, content: Content, now: datetime) -> File:
    name = f"{batch.native_id}_{kind}.jsonl"
    faults = deque(word for word, times in CONTENT_FAULTS.items() if word in batch.scenario for _ in range(times))
    if "output_crlf" in batch.scenario:
        *others, last = content.rows or (b"\n",)
        content = Content((*(_ended(row, b"\r\n") for row in others), _ended(last, b"")))
    return File(file_id, name, "batch_output", content, now, faults)


def _ended(row: bytes | Padded, end: bytes) -> bytes | Padded:
    """With another end of line than LF."""
    return replace(row, tail=row.tail[:-1] + end) if isinstance(row, Padded) else row[:-1] + end
