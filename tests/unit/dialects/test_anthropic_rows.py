"""Anthropic's rows: what an input may hold, how it is sent, and what a row of results says."""

import json
from typing import Any

import pytest
from anthropic.types.messages import MessageBatchIndividualResponse
from hypothesis import given
from hypothesis import strategies as st

from schemas.contents import NoRow, ResultRow
from schemas.dialects.anthropic import Anthropic
from schemas.dialects.orders import NewJob

DIALECT = Anthropic()
ENDPOINT = "/v1/messages"
PARAMS: dict[str, Any] = {"model": "claude-x", "max_tokens": 16, "messages": [{"role": "user", "content": "Hello"}]}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Grüß Gott"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def problems(row: dict[str, Any], endpoint: str = ENDPOINT) -> str:
    return "; ".join(DIALECT.check_request(row, endpoint).problems)


def test_a_good_row() -> None:
    """A row with custom_id and params is for the one endpoint that there is, which nobody has to name."""
    checked = DIALECT.check_request({"custom_id": "row-1_A", "params": {**PARAMS, "stream": False}}, ENDPOINT)

    assert (checked.endpoint, checked.problems) == (ENDPOINT, ())
    assert DIALECT.default_endpoint == ENDPOINT


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"custom_id": "row 1"}, "custom_id"),
        ({"custom_id": "r" * 65}, "custom_id"),
        ({"custom_id": "Ångström"}, "custom_id"),
        ({"params": None}, "params is missing"),
        ({"params": [PARAMS]}, "params is missing"),
        ({"params": {**PARAMS, "model": ""}}, "params.model"),
        ({"params": {**PARAMS, "max_tokens": 0}}, "params.max_tokens"),
        ({"params": {**PARAMS, "max_tokens": True}}, "params.max_tokens"),
        ({"params": {**PARAMS, "messages": []}}, "params.messages"),
        ({"params": {**PARAMS, "stream": True}}, "params.stream"),
        ({"url": "/v1/messages", "body": PARAMS}, "url cannot stand in a row"),
    ],
)
def test_bad_rows(changes: dict[str, Any], what: str) -> None:
    """What the API would refuse a whole batch for is told before anything is sent."""
    assert what in problems({"custom_id": "row-1", "params": PARAMS, **changes})


def test_another_endpoint() -> None:
    """Rows are for nothing else than messages."""
    row = {"custom_id": "row-1", "params": PARAMS}

    assert "/v1/messages" in problems(row, "/v1/chat/completions")
    assert DIALECT.check_request(row, "/v1/chat/completions").endpoint is None


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.floats(allow_nan=False)), min_size=1),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.booleans(),
)
def test_rows_go_as_they_stand(rows: list[dict[str, Any]], end: str, ends: bool) -> None:
    """The order holds each row once, in its order and with its own bytes, whatever the ends of lines are."""
    lines = [json.dumps(row) for row in rows]
    question = DIALECT.create("https://x/v1", NewJob(rows=(end.join(lines) + (end if ends else "")).encode()))

    assert (question.method, question.url, question.body) == ("POST", "https://x/v1/messages/batches", None)
    assert question.content == f'{{"requests":[{",".join(lines)}]}}'.encode()


def test_what_fits_one_batch() -> None:
    """A file as large as may be still makes an order that the API takes."""
    limits = DIALECT.input_limits(ENDPOINT)
    assert limits.rows == 100_000
    assert limits.file_bytes is not None

    question = DIALECT.create("https://x/v1", NewJob(rows=b"{}\n" * 1_000))
    assert question.content is not None
    assert limits.file_bytes + len(question.content) - 3_000 <= 256_000_000


def line(result: Any) -> bytes:
    told = {"custom_id": "row-1", "result": result}
    MessageBatchIndividualResponse.model_validate(told)
    return json.dumps(told, ensure_ascii=False).encode()


def wrapped(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}


def test_succeeded() -> None:
    """A row that succeeded has the message for its body."""
    row = DIALECT.read_row(line({"type": "succeeded", "message": MESSAGE}))

    assert isinstance(row, ResultRow)
    assert (row.custom_id, row.succeeded) == ("row-1", True)
    assert json.loads(row.body or b"") == MESSAGE


def test_half_a_character() -> None:
    """A text that was cut within a character spoils nothing but that half, which becomes a question mark."""
    row = DIALECT.read_row(rb'{"custom_id":"row-1","result":{"type":"succeeded","message":{"text":"\ud83d"}}}')

    assert isinstance(row, ResultRow)
    assert (row.succeeded, json.loads(row.body or b"")) == (True, {"text": "?"})


@pytest.mark.parametrize(
    ("result", "code", "message"),
    [
        (
            {"type": "errored", "error": wrapped("invalid_request_error", "messages: too long")},
            "invalid_request_error",
            "messages: too long",
        ),
        ({"type": "errored", "error": wrapped("api_error", "x")}, "api_error", "x"),
        ({"type": "canceled"}, "canceled", None),
        ({"type": "expired"}, "expired", None),
    ],
)
def test_failed(result: dict[str, Any], code: str, message: str | None) -> None:
    """A row that did not succeed tells how it ended, in the provider's words."""
    row = DIALECT.read_row(line(result))

    assert row == ResultRow("row-1", False, None, code, message)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"type": "errored"}, "errored"),
        ({"type": "errored", "error": "no object"}, "errored"),
        ({"type": "errored", "error": {"error": {"type": 7}}}, "errored"),
        ({"type": "paused"}, "paused"),
        ({"type": "succeeded"}, None),
        ({"type": "succeeded", "message": None}, None),
    ],
)
def test_odd_results(result: dict[str, Any], code: str | None) -> None:
    """What does not say that it succeeded, and has nothing to show for it, has not."""
    row = DIALECT.read_row(json.dumps({"custom_id": "row-1", "result": result}).encode())

    assert isinstance(row, ResultRow)
    assert (row.succeeded, row.error_code) == (False, code)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"custom_id":"row-1"}',
        b'{"custom_id":"","result":{"type":"expired"}}',
        b'{"custom_id":7,"result":{"type":"expired"}}',
        b'{"custom_id":"row-1","result":"expired"}',
        b'{"custom_id":"row-1","result":{"type":"expired","x":"\xff"}}',
    ],
)
def test_no_rows(content: bytes) -> None:
    """A line that is no row is told to be none."""
    assert isinstance(DIALECT.read_row(content), NoRow)


@given(st.binary() | st.text().map(lambda text: json.dumps({"custom_id": text, "result": {"type": text}}).encode()))
def test_any_line(content: bytes) -> None:
    """Whatever a line holds, it is a row or none."""
    assert isinstance(DIALECT.read_row(content), ResultRow | NoRow)
