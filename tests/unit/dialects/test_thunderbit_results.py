"""Thunderbit's rows: which of them a page brings, whether another page follows, and what a row says."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contents import NoRow, PagedRow, ResultPage, ResultRow
from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions
from schemas.readings import Denied, Question, Response, Troubled
from schemas.words import Trouble

JOB = "batch_7f3a9c21"
PLACE = f"https://openapi.thunderbit.example/openapi/v1/batch/distill/{JOB}"
DIALECT = Thunderbit("tb")
PAIRS = Thunderbit("tb", ThunderbitOptions(page_size=2))


def row(number: int, status: str = "SUCCEEDED", **members: Any) -> dict[str, Any]:
    return {"url": f"https://shop.example/p/{number}", "status": status, **members}


def page(
    rows: Any, number: int = 0, dialect: Thunderbit = DIALECT, status: str = "COMPLETED", **members: Any
) -> ResultPage | Denied | Troubled:
    body = json.dumps({"success": True, "data": {"id": JOB, "status": status, "results": rows, **members}}).encode()
    (asked,) = dialect.result_page(PLACE.partition("/batch")[0], "batch", JOB, PLACE, str(number))
    return dialect.read_result_page("batch", JOB, Response(200, {}, body), asked)


def told(*rows: dict[str, Any]) -> tuple[PagedRow, ...]:
    return tuple(PagedRow(one["url"], one) for one in rows)


def test_one_page() -> None:
    """A whole job is one page: each row under its URL, in the provider's order, a URL that was asked for twice twice."""
    rows = [
        row(1, markdown="# One"),
        row(2, "FAILED", error="SCRAPE_TIMEOUT"),
        row(1, "success", data={"markdown": "# 1"}),
    ]

    assert page(rows, total=3) == ResultPage(told(*rows))


@pytest.mark.parametrize(
    ("number", "shown", "total", "cursor"),
    [
        (0, 2, 5, "1"),
        (1, 2, 5, "2"),
        (2, 1, 5, None),
        (0, 2, 2, None),
        (0, 1, 5, "1"),  # those that are not done are left out
        (1, 0, 5, None),
        (0, 0, 0, None),
        (0, 5, 5, None),  # the page's size was not heeded
        (0, 2, None, "1"),
        (1, 1, None, None),
        (1, 0, None, None),
        (98, 2, 1_000, "99"),
    ],
)
def test_pages(number: int, shown: int, total: int | None, cursor: str | None) -> None:
    """The next page is asked for while rows are left by the total, or by a full page; an empty page is the last."""
    rows = [row(place) for place in range(shown)]

    assert page(rows, number, PAIRS, "CANCELLED", total=total) == ResultPage(told(*rows), cursor)


def test_too_many_pages() -> None:
    """After a hundred pages no other is asked for, and that is told."""
    said = page([row(1), row(2)], 99, PAIRS, total=1_000)

    assert said == ResultPage(told(row(1), row(2)), None, "it has more than 100 pages of rows")


def test_rows_that_are_not_done() -> None:
    """Of a job that was cancelled, rows that are not done are not there, and nothing is wrong with that."""
    rows = [row(1), row(2, "PENDING"), row(3, "PROCESSING"), row(4, "failed"), row(5, "CANCELLED")]

    assert page(rows, status="CANCELLED", total=5) == ResultPage(told(rows[0], rows[3]))


def test_pages_without_a_row_that_is_done() -> None:
    """A page on which nothing is done is not an empty one: the rows that are may stand on the next."""
    rows = [row(1, "PENDING"), row(2, "PROCESSING")]

    assert page(rows, 0, PAIRS, "CANCELLED", total=4) == ResultPage((), "1")
    assert page(rows, 0, PAIRS, "CANCELLED") == ResultPage((), "1")


@pytest.mark.parametrize(
    ("status", "rows", "problem"),
    [
        ("PROCESSING", [row(1)], "its status is processing"),
        ("pending", [], "its status is pending"),
        ("WARMING_UP", [], "its status is warming_up"),
        ("COMPLETED", [row(1), row(2, "PENDING")], "1 on one page are not done"),
    ],
)
def test_answers_that_lag(status: str, rows: list[dict[str, Any]], problem: str) -> None:
    """An answer from before the end, about a job that has ended, does not show all rows, and says so."""
    said = page(rows, status=status, total=2)

    assert isinstance(said, ResultPage)
    assert said.problem == f"the job has ended, and its rows are shown as if it had not: {problem}"


def test_rows_of_unknown_words() -> None:
    """In a job that completed every row is over, whatever it is called; elsewhere one with an error is."""
    strange, failed = row(1, "SKIPPED"), row(2, "BROKEN", error="timeout")

    assert page([strange, failed], total=2) == ResultPage(told(strange, failed))
    assert page([strange, failed], status="FAILED", total=2) == ResultPage(told(failed))


def test_rows_without_a_url() -> None:
    """A row that does not say which URL it is of is kept by its place among all rows."""
    said = page([{"status": "FAILED"}, {"status": "FAILED", "url": 5}], 1, PAIRS, total=4)

    assert isinstance(said, ResultPage)
    assert [one.key for one in said.rows] == ["row 2", "row 3"]


@pytest.mark.parametrize(
    ("response", "trouble"),
    [
        (Response(200, {}, b'{"data":{"id":"batch_2","status":"COMPLETED","results":[]}}'), Trouble.WRONG_JOB),
        (Response(200, {}, b'{"data":{"status":"COMPLETED","results":[]}}'), Trouble.UNREADABLE),
        (Response(200, {}, json.dumps({"data": {"id": JOB, "status": "COMPLETED"}}).encode()), Trouble.UNREADABLE),
        (Response(500, {}, b""), Trouble.GATEWAY),
        (Response(404, {}, b"<html>"), Trouble.REQUEST),
    ],
)
def test_what_is_no_page(response: Response, trouble: Trouble) -> None:
    """An answer about another job, or without rows, is no page."""
    said = DIALECT.read_result_page("batch", JOB, response)

    assert isinstance(said, Troubled)
    assert said.trouble is trouble


def kept(custom_id: Any, told: Any) -> bytes:
    return json.dumps({"custom_id": custom_id, "row": told}).encode()


@pytest.mark.parametrize("status", ["SUCCEEDED", "completed", "success", "Succeeded"])
@pytest.mark.parametrize(
    "output", [{"markdown": "# Eins – 東京 🚀"}, {"data": {"markdown": "# 1"}}, {"data": [{"name": "A"}]}, {}]
)
def test_a_row_that_succeeded(status: str, output: dict[str, Any]) -> None:
    """A row succeeded by its word, in any of its forms; its body is the row itself."""
    told = row(1, status, **output)
    read = DIALECT.read_row(kept("a", told))

    assert isinstance(read, ResultRow)
    assert (read.custom_id, read.succeeded, read.status_code, read.error_code, read.error_message) == (
        ("a", True, None, None, None)
    )
    assert json.loads(read.body or b"") == told


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"error": "SCRAPE_TIMEOUT"}, "SCRAPE_TIMEOUT", None),
        ({"error": "timeout"}, None, "timeout"),
        ({"error": {"code": "SCRAPE_SITE_ERROR", "message": "HTTP 500"}}, "SCRAPE_SITE_ERROR", "HTTP 500"),
        ({"error": {"message": "gone"}}, None, "gone"),
        ({"errorCode": "SCRAPE_SSL_ERROR"}, "SCRAPE_SSL_ERROR", None),
        ({"error": {"code": "A_CODE"}, "errorCode": "B_CODE"}, "A_CODE", None),
        ({"error": "a\nb"}, None, r"a\nb"),
        ({}, None, "its status is failed"),
        ({"status": "SKIPPED"}, None, "its status is skipped"),
        ({"status": None}, None, "its status is missing"),
    ],
)
def test_a_row_that_failed(members: dict[str, Any], code: str | None, message: str | None) -> None:
    """Why a row failed is read as a text, as an object, or under the name of a code, in this order."""
    told = {**row(1, "FAILED"), **members}

    assert DIALECT.read_row(kept("a", told)) == ResultRow("a", False, None, code, message, json.dumps(told).encode())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"custom_id":"a"}',
        b'{"row":{}}',
        b'{"custom_id":5,"row":{}}',
        b'{"custom_id":"","row":{}}',
        b'{"custom_id":"a","row":[]}',
        b'{"custom_id":"a","row":null}',
        b'{"custom_id":"a","row":{"x":\xff}}',
        b'{"custom_id":"a","row":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_lines_that_are_no_rows(line: bytes) -> None:
    """What is not a row with a custom_id is none, and says so."""
    assert DIALECT.read_row(line) == NoRow("not a row of a job, with a custom_id")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"custom_id":"a","url":"https://a.example/"}', "https://a.example/"),
        (b'{"url":"https://a.example","custom_id":"a"}\r', "https://a.example"),
        ('{"custom_id":"a","url":"https://münchen.example"}'.encode(), "https://münchen.example"),
        (b'{"custom_id":"a"}', None),
        (b'{"custom_id":"a","url":""}', None),
        (b'{"custom_id":"a","url":5}', None),
        (b"", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_which_request_a_row_answers(line: bytes, key: str | None) -> None:
    """Request and rows find each other by the URL, as it was written."""
    assert DIALECT.request_key(line, 3) == key


@settings(deadline=None)
@given(st.binary())
def test_any_line(line: bytes) -> None:
    """Whatever stands in a line is a row, a request, or neither, and nothing raises."""
    assert isinstance(DIALECT.read_row(line), ResultRow | NoRow)
    assert isinstance(DIALECT.request_key(line, 0), str | None)


VALUES = st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.text() | st.lists(st.text(), max_size=2)
ROW = st.dictionaries(st.sampled_from(["url", "status", "error", "errorCode", "data"]), VALUES)


@settings(deadline=None)
@given(
    st.lists(ROW, max_size=5), st.none() | st.integers(-1, 300), st.integers(0, 99), st.sampled_from(["COMPLETED", "x"])
)
def test_any_page(rows: list[dict[str, Any]], total: int | None, number: int, status: str) -> None:
    """Whatever rows a page has: each that is over is there once, can be kept and read again, and the pages have an end."""
    said = page(rows, number, PAIRS, status, total=total)

    assert isinstance(said, ResultPage)
    assert said.cursor in (None, str(number + 1))
    assert not (said.cursor and number >= 99)
    assert len(said.rows) <= len(rows)
    assert all(one.key and one.row in rows for one in said.rows)
    for one in said.rows:
        line = json.dumps({"custom_id": "a", "row": one.row}, ensure_ascii=False).encode("utf-8", "replace")
        assert isinstance(DIALECT.read_row(line), ResultRow)


def test_the_question_of_a_page() -> None:
    """Which page was answered is told by the question, since the answer does not say; without one it was the first."""
    body = json.dumps({"id": JOB, "status": "COMPLETED", "total": 5, "results": [row(1), row(2)]}).encode()
    asked = Question("GET", f"{PLACE}?page=1&pageSize=2")

    assert PAIRS.read_result_page("batch", JOB, Response(200, {}, body), asked) == ResultPage(told(row(1), row(2)), "2")
    assert PAIRS.read_result_page("batch", JOB, Response(200, {}, body)) == ResultPage(told(row(1), row(2)), "1")
