"""The rows of an input: each is a document to be tagged (contract 2).

The tagger takes any object and lets the row fail later; and one that its database does not take ends all writing of
history, for everybody, until it is started again (contract 8). So nothing of the kind leaves us.
"""

import json
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from schemas.dialects.orders import CheckedRequest, Column, InputLimits
from schemas.dialects.tagger.routes import START
from schemas.jsonl import lines_of
from schemas.texts import clean

COLUMNS = (
    Column("title", "what the document is called"),
    Column("file_path", "where it is: a URL, or what its file_source_type makes of it", is_needed=True),
    Column("file_source_type", "url, s3 or local; url where it is left out"),
    Column("description", "what it is about"),
    Column("custom_id", "your own name for the row, by which its tags are found again"),
)
# The tagger names no bound. Its history shows no more documents of one job, and their state has to last for all of them: 24
# hours (contract 9, 11).
LIMITS = InputLimits(file_bytes=8 * 1024 * 1024, rows=1_000)

_SENT = ("title", "file_path", "file_source_type", "description")
_LONGEST = {"title": 500, "file_path": 1_000}  # characters: the columns of its database (contract 8)
_SOURCES = ("url", "s3", "local")
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")  # its database keeps no NUL, and JSON no half of a character


def check_request(row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
    problems = [*_problems(row)]
    if endpoint not in (None, START):
        problems.append(f"the tagger has one endpoint for rows, {START}, and not {clean(endpoint or '', 80)}")
    return CheckedRequest(START if endpoint in (None, START) else None, tuple(problems))


def documents(rows: bytes) -> list[dict[str, str]]:
    """The documents of an input, in its order. Were one of them not fit to be sent, there are none: the tagger then refuses
    the start (contract 2), and nothing comes of it."""
    read = [_document(line.content) for line in lines_of(BytesIO(rows))]
    fit = [document for document in read if document is not None]
    return fit if len(fit) == len(read) else []


def _document(line: bytes | None) -> dict[str, str] | None:
    try:
        row = json.loads(line or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or any(_problems(row)):
        return None
    return {name: row[name] for name in _SENT if name in row}


def _problems(row: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(row.keys() - {*_SENT, "custom_id"}):
        yield f"{clean(name, 80)} is nothing that the tagger reads; a row has {', '.join(_SENT)} and custom_id"
    for name in _SENT:
        if name in row:
            yield from _wrong_text(name, row[name])
    path = row.get("file_path", "")
    if isinstance(path, str) and not path.strip():
        yield "file_path is missing or empty; it says where the document is"
    kind = row.get("file_source_type", "url")
    if isinstance(kind, str) and kind not in _SOURCES:
        yield f"file_source_type is {clean(kind, 80)}, and has to be one of {', '.join(_SOURCES)}"


def _wrong_text(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{name} has to be a text; leave it out where there is none"
        return
    if _UNKEEPABLE.search(value):
        yield f"{name} holds a character that the tagger cannot keep"
    most = _LONGEST.get(name)
    if most is not None and len(value) > most:
        yield f"{name} has {len(value)} characters, and the tagger keeps at most {most}"
