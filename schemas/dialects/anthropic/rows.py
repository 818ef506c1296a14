"""The rows of inputs, `{"custom_id", "params"}` (`types/messages/batch_create_params.py` of the SDK), and of results,
`{"custom_id", "result"}` (`types/messages/message_batch_individual_response.py`)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from schemas.contents import NoRow, ResultRow
from schemas.dialects.anthropic.objects import ENDPOINT
from schemas.dialects.batch_rows import without_halves
from schemas.dialects.members import mapping, text
from schemas.dialects.orders import CheckedRequest
from schemas.texts import clean

_LONGEST_MESSAGE = 1_000
_MEMBERS = frozenset({"custom_id", "params"})
# API reference, "Create a Message Batch"; the SDK says only that it has to be unique.
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


def check_request(row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
    """Check a row of an input, as far as the API refuses a whole batch for it. What else is wrong makes that row fail there."""
    return CheckedRequest(ENDPOINT if endpoint == ENDPOINT else None, tuple(_problems(row, endpoint)))


def _problems(row: Mapping[str, Any], endpoint: str | None) -> Iterator[str]:
    if endpoint != ENDPOINT:
        yield f"--endpoint says {clean(endpoint or 'nothing', 80)}; rows of a message batch are for {ENDPOINT}"
    custom_id = row.get("custom_id")
    if isinstance(custom_id, str) and custom_id and not _CUSTOM_ID.fullmatch(custom_id):
        yield f"custom_id {clean(custom_id, 80)} is not 1 to 64 of a-z, A-Z, 0-9, _ and -"
    for name in sorted(row.keys() - _MEMBERS):
        yield f"{clean(name, 80)} cannot stand in a row beside custom_id and params"
    params = row.get("params")
    if not isinstance(params, dict):
        yield "params is missing or not an object; it holds the request itself"
    else:
        yield from _wrong_params(params)


def _wrong_params(params: Mapping[str, Any]) -> Iterator[str]:
    """Of a message that is not streamed (`MessageCreateParamsNonStreaming`)."""
    if not isinstance(params.get("model"), str) or not params["model"]:
        yield "params.model is missing or no text"
    most = params.get("max_tokens")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        yield "params.max_tokens is missing or no whole number from 1"
    if not isinstance(params.get("messages"), list) or not params["messages"]:
        yield "params.messages is missing or no list of one message or more"
    if params.get("stream", False) is not False:
        yield "params.stream cannot be true in a batch"


class _Result(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _Row(msgspec.Struct):
    custom_id: str
    result: _Result


_row = msgspec.json.Decoder(_Row)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_row(line: bytes) -> ResultRow | NoRow:
    """Read a row of the results. It has succeeded where it says so and has a message, which is its body."""
    row = _decoded(line) or _decoded(without_halves(line))
    if row is None:
        return NoRow("not a row of results, with custom_id and result")
    if not row.custom_id:
        return NoRow("without a custom_id")
    result = row.result
    if result.type == "succeeded" and bytes(memoryview(result.message)[:1]) == b"{":
        return ResultRow(row.custom_id, True, body=bytes(result.message))
    return ResultRow(row.custom_id, False, None, *_error(result))


def _decoded(line: bytes | None) -> _Row | None:
    if line is None:
        return None
    try:
        if not line.isascii():
            line.decode()  # what is only passed over is not looked at as text
        return _row.decode(line)
    except _UNREADABLE:
        return None


def _error(result: _Result) -> tuple[str | None, str | None]:
    """Code and message of the error that is wrapped in the answer; of a request that was not sent, only how it ended."""
    if result.type == "succeeded":
        return None, "it has succeeded, and has no message"
    error = mapping(mapping(_value(result.error)).get("error"))
    return text(error.get("type")) or text(result.type), text(error.get("message"), _LONGEST_MESSAGE)


def _value(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw) if bytes(memoryview(raw)[:1]) else None
    except _UNREADABLE:
        return None
