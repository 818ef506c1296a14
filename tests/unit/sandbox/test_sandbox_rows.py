"""The JSONL of a batch, in and out."""

import json
from typing import Any

import pytest

from sandbox.rows import (
    COMPLETIONS,
    BadRows,
    Row,
    answered_row,
    failing_rows,
    inline_rows,
    json_lines,
    normalised_endpoint,
    refused_row,
    unrun_row,
    uploaded_rows,
)

ROW = Row("a", COMPLETIONS, {"model": "gpt-5-mini", "messages": []})


def line(**changed: Any) -> dict[str, Any]:
    return {"custom_id": "a", "method": "POST", "url": COMPLETIONS, "body": {"model": "m"}} | changed


@pytest.mark.parametrize(
    "written",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "chat/completions/",
        "/v1/chat/completions/",
        "https://api.example.org/v1/chat/completions",
    ],
)
def test_endpoint_spellings(written: str) -> None:
    """
    A missing /v1, an origin and a trailing slash are forgiven.
    """
    assert normalised_endpoint(written) == COMPLETIONS


def test_line_ends() -> None:
    """
    CRLF, blank lines and a missing last line end are fine, and a line separator inside a string ends nothing.
    """
    content = json.dumps(line()) + "\r\n\r\n" + json.dumps(line(custom_id="b\u2028c"), ensure_ascii=False)

    assert [row.custom_id for row in uploaded_rows(content.encode(), COMPLETIONS)] == ["a", "b\u2028c"]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["not json"],
        [line(), line()],
        [line(custom_id=None)],
        [line(method="GET")],
        [line(url="/v1/embeddings")],
        [line(body="text")],
        [line(body={"stream": True})],
    ],
)
def test_any_fault_of_a_file_has_one_reason(lines: list[Any]) -> None:
    """
    Whatever is wrong with an input file, the gateway says that it cannot price it.
    """
    content = "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in lines)

    with pytest.raises(BadRows, match="batch_input_file_not_priceable"):
        uploaded_rows(content.encode(), COMPLETIONS)


def test_inline_rows_are_numbered_from_one() -> None:
    """
    Inline rows need no custom_id, and the aliases of the contract are taken.
    """
    rows = inline_rows([{"body": {}}, {"customId": "mine", "request": {}}], COMPLETIONS, "gpt-5")

    assert [(row.custom_id, row.body) for row in rows] == [
        ("request-1", {"model": "gpt-5"}),
        ("mine", {"model": "gpt-5"}),
    ]


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([], "invalid_requests"),
        ("text", "invalid_requests"),
        ([{}], "invalid_requests"),
        ([{"body": {}, "custom_id": "é" * 257}], "invalid_requests"),
        ([{"body": {}, "custom_id": "a"}, {"body": {}, "custom_id": "a"}], "duplicate_custom_id"),
        ([{"body": {"stream": True}}], "batch_streaming_not_supported"),
        ([{"body": {"model": "a"}}, {"body": {"model": "b"}}], "batch_multiple_models_not_supported"),
    ],
)
def test_inline_faults(requests: Any, reason: str) -> None:
    """
    Inline rows are refused with a reason of their own.
    """
    with pytest.raises(BadRows, match=reason):
        inline_rows(requests, COMPLETIONS, None)


@pytest.mark.parametrize(
    ("total", "share", "expected"),
    [
        (9, "none", set()),
        (9, "some", {1, 4, 7}),
        (2, "some", {1}),
        (1, "some", {0}),
        (3, "all", {0, 1, 2}),
    ],
)
def test_failing_rows(total: int, share: str, expected: set[int]) -> None:
    """
    About a third of the rows fails, never none of them, and only a single row fails alone.
    """
    assert failing_rows(total, share) == expected


def test_result_rows() -> None:
    """
    A good row has a 2xx and an object; a bad one a 4xx with an error inside; one that never ran only an error.
    """
    good, bad = answered_row("batch_1", ROW), refused_row("batch_1", ROW)
    unrun = unrun_row("batch_1", ROW, "batch_expired")

    assert good["response"]["status_code"] == 200
    assert good["response"]["body"]["usage"]["total_tokens"] > 0
    assert good["error"] is None
    assert bad["response"]["status_code"] == 400
    assert "error" in bad["response"]["body"]
    assert (unrun["response"], unrun["error"]["code"]) == (None, "batch_expired")
    assert json_lines([good, bad, unrun]).count(b"\n") == 3
