"""The rows of inputs and outputs in OpenAI's form, which other providers have taken over: `custom_id`, `response` with
`status_code` and `body`, `error`. Only what tells them apart and how they ended is decoded."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from schemas.contents import NoRow, ResultRow
from schemas.dialects.members import text
from schemas.dialects.orders import CheckedRequest
from schemas.texts import clean

_LONGEST_MESSAGE = 1_000
_NOTHING = msgspec.Raw()


class Row(msgspec.Struct):
    """One line, its members not yet decoded."""

    custom_id: msgspec.Raw = _NOTHING
    id: msgspec.Raw = _NOTHING
    request: msgspec.Raw = _NOTHING
    response: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING


class _Response(msgspec.Struct):
    status_code: msgspec.Raw = _NOTHING
    body: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING


class _Failed(msgspec.Struct):
    error: msgspec.Raw = _NOTHING


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_row, _response, _failed = msgspec.json.Decoder(Row), msgspec.json.Decoder(_Response), msgspec.json.Decoder(_Failed)

Naming = Callable[[Row], str | None]


def own_custom_id(row: Row) -> str | None:
    """What a row is called, where there is one name for that."""
    return _text(row.custom_id)


def any_custom_id(row: Row) -> str | None:
    """Under the three names that some tolerate, in this order: `custom_id`, `id`, `request.custom_id`."""
    found = _text(row.custom_id) or _text(row.id)
    if found is None and _is_object(row.request):
        found = _text(_row.decode(row.request).custom_id)
    return found


def read_row(line: bytes, naming: Naming = own_custom_id) -> ResultRow | NoRow:
    """Read a row of an output or error file. It has succeeded with a status of 200 to 299 and a body that is an object."""
    try:
        return _read(line, naming)
    except _UNREADABLE:
        mended = without_halves(line)
    try:
        return NoRow("not a JSON object") if mended is None else _read(mended, naming)
    except _UNREADABLE:
        return NoRow("not a JSON object")


def _read(line: bytes, naming: Naming) -> ResultRow | NoRow:
    if not line.isascii():
        line.decode()  # what is only passed over is not looked at as text
    row = _row.decode(line)
    custom_id = naming(row)
    if custom_id is None:
        return NoRow("without a custom_id")
    response = _response.decode(row.response) if _is_object(row.response) else _Response()
    status = _whole_number(response.status_code)
    body = bytes(response.body) if _is_there(response.body) else None
    if status is not None and 200 <= status < 300 and _is_object(response.body):
        return ResultRow(custom_id, True, status, body=body)
    return ResultRow(custom_id, False, status, *_error(row, response), body=body)


def read_custom_id(line: bytes) -> str | None:
    """The custom_id of a row of an input file; None: it has none."""
    try:
        return _text(_row.decode(line).custom_id)
    except _UNREADABLE:
        mended = without_halves(line)
    try:
        return None if mended is None else _text(_row.decode(mended).custom_id)
    except _UNREADABLE:
        return None


def check_request(row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
    """Check a row of an input. One batch has one endpoint, which `endpoint` names where the row does not."""
    url = row.get("url", endpoint)
    problems = tuple(_problems(row, url, endpoint))
    return CheckedRequest(url if isinstance(url, str) and url and endpoint in (None, url) else None, problems)


def _problems(row: Mapping[str, Any], url: Any, endpoint: str | None) -> Iterator[str]:
    if not isinstance(url, str) or not url:
        yield "url is missing; it names the endpoint, such as /v1/chat/completions"
    elif endpoint not in (None, url):
        yield f"url is {clean(url, 80)}, and --endpoint says {clean(endpoint or '', 80)}"
    if str(row.get("method", "POST")).upper() != "POST":
        yield "method has to be POST"
    if not isinstance(row.get("body"), dict):
        yield "body is missing or not an object; it holds the request itself"


def without_halves(line: bytes) -> bytes | None:
    """The same row with a question mark for each half of a character, which texts that were cut end in: they are JSON, and not
    Unicode. None: that is not what is wrong with it."""
    if b"\\u" not in line:
        return None
    try:
        row = json.loads(line)
        return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None


def _error(row: Row, response: _Response) -> tuple[str | None, str | None]:
    """The first of `error`, `response.body.error` and `response.error`, as code and message."""
    inner = _failed.decode(response.body).error if _is_object(response.body) else _NOTHING
    raw = next((error for error in (row.error, inner, response.error) if _is_there(error)), _NOTHING)
    error = _value(raw)
    if isinstance(error, dict):
        return text(error.get("code")) or text(error.get("type")), text(error.get("message"), _LONGEST_MESSAGE)
    return None, text(error, _LONGEST_MESSAGE)


def _first(raw: msgspec.Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def _is_there(raw: msgspec.Raw) -> bool:
    return _first(raw) not in (b"", b"n")


def _is_object(raw: msgspec.Raw) -> bool:
    return _first(raw) == b"{"


def _text(raw: msgspec.Raw) -> str | None:
    value = _value(raw) if _first(raw) == b'"' else None
    return value if isinstance(value, str) and value else None


def _whole_number(raw: msgspec.Raw) -> int | None:
    value = _value(raw) if _first(raw).isdigit() else None
    return value if isinstance(value, int) else None


def _value(raw: msgspec.Raw) -> Any:
    """A value that may be anything; None where it cannot be read."""
    try:
        return msgspec.json.decode(raw) if _is_there(raw) else None
    except _UNREADABLE:
        return None
