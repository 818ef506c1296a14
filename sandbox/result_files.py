"""The files that a batch leaves behind: which rows stand in which, and how they are written (contract 2.4, 2.5)."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from sandbox import rows
from sandbox.batches import Batch, Reading, Results
from sandbox.content import Content
from sandbox.files import File
from sandbox.scenarios import CONTENT_FAULTS


def readable_files(batch: Batch, named: Reading) -> set[str]:
    """The ids of those that can be read, once the gateway has seen them named."""
    files = {named.output_file_id, named.error_file_id}
    if "output_missing" in batch.scenario:
        files.discard(named.output_file_id)
    return {file_id for file_id in files if file_id is not None}


def result_files(batch: Batch, made: Results, now: datetime) -> list[File]:
    """The output file and the error file, empty ones included."""
    answered = [rows.answered_row(batch.id, row) for row in made.answered]
    Random(batch.id).shuffle(answered)  # the provider's order is not the caller's
    return [
        _file(batch, batch.output_file_id, "output", answered, now),
        _file(batch, batch.error_file_id, "error", made.errors, now),
    ]


def _file(batch: Batch, file_id: str, kind: str, lines: Sequence[dict[str, Any]], now: datetime) -> File:
    name = f"{batch.native_id}_{kind}.jsonl"
    faults = deque(word for word, times in CONTENT_FAULTS.items() if word in batch.scenario for _ in range(times))
    return File(file_id, name, "batch_output", _written(batch, lines), now, faults)


def _written(batch: Batch, lines: Sequence[dict[str, Any]]) -> Content:
    written = [rows.json_lines([line]) for line in lines]
    if "output_crlf" in batch.scenario:
        written = [row.replace(b"\n", b"\r\n") for row in written[:-1]] + [row.rstrip(b"\n") for row in written[-1:]]
    return Content(tuple(written))
