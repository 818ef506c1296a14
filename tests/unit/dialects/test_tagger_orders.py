"""What the tagger is ordered, and what it says to that (contract 2, 8)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagger_wire import API, BASE, BROKEN, HTML, JOB, TAGGER, refused, said

from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.dialects.tagger import Tagger
from schemas.dialects.tagger.options import TaggerOptions
from schemas.readings import Observed, Response, RowCounts
from schemas.words import Status

START = "/api/batch/start"
ROWS = (
    b'{"custom_id":"a","title":"Tender","file_path":"https://files.example/t.pdf","description":""}\n'
    b"\n"
    b'{"custom_id":"b","file_path":"s3://bucket/a.pdf","file_source_type":"s3"}'
)


def order(**given_members: Any) -> NewJob:
    return NewJob(**{"rows": ROWS, "job_id": JOB, "secrets": {"llm_key": "sk-or-1"}, **given_members})


def test_start() -> None:
    """The documents in their order, with the four members that the tagger reads; our own id; and the key of the LLM, which is
    not shown with the question."""
    question = TAGGER.create(BASE, order(params={"num_tags": 5}))

    assert (question.method, question.url) == ("POST", f"{API}/batch/start")
    assert question.body == {
        "job_id": JOB,
        "documents": [
            {"title": "Tender", "file_path": "https://files.example/t.pdf", "description": ""},
            {"file_path": "s3://bucket/a.pdf", "file_source_type": "s3"},
        ],
        "config": {"api_key": "sk-or-1", "num_tags": 5},
        "column_mapping": {},
    }
    assert "sk-or-1" not in repr(question)
    assert "sk-or-1" not in repr(order())


def test_options_are_what_an_order_leaves_out() -> None:
    """The source's options stand in the config where the order's own params do not."""
    usual = TaggerOptions(
        email="a@b", model_name="openai/gpt-4o-mini", num_pages=2, num_tags=4, exclusion_words=("annual",)
    )
    question = Tagger("tags", usual).create(BASE, order(params={"num_pages": 9, "exclusion_words": []}))

    assert question.body is not None
    assert question.body["config"] == {
        "api_key": "sk-or-1",
        "model_name": "openai/gpt-4o-mini",
        "num_pages": 9,
        "num_tags": 4,
        "exclusion_words": [],
    }


@pytest.mark.parametrize(
    "line", [b'{"custom_id":"c"}', b"nonsense", b"[]", b'{"file_path":""}', b'{"file_path":"a\\ud800"}']
)
def test_a_row_that_would_break_the_tagger_never_leaves(line: bytes) -> None:
    """One row without a path ends all writing of history there, for everybody. With it nothing is sent that could be started."""
    question = TAGGER.create(BASE, order(rows=ROWS + b"\n" + line))

    assert question.body is not None
    assert question.body["documents"] == []


@pytest.mark.parametrize(
    "row",
    [
        {"file_path": "https://files.example/t.pdf"},
        {"custom_id": "a", "title": "", "file_path": "x", "file_source_type": "local", "description": "two\nlines"},
        {"file_path": "x" * 1000, "title": "\U0001f4c4" * 500},
    ],
)
def test_rows(row: dict[str, Any]) -> None:
    """A row needs a path; it may have a title, a description, and say where its path leads."""
    for endpoint in (None, START):
        checked = TAGGER.check_request(row, endpoint)
        assert (checked.endpoint, checked.problems) == (START, ())
    assert TAGGER.default_endpoint == START


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "file_path is missing"),
        ({"file_path": " "}, "file_path is missing"),
        ({"file_path": None}, "file_path has to be a text"),
        ({"file_path": 7}, "file_path has to be a text"),
        ({"file_path": "x" * 1001}, "1001 characters"),
        ({"file_path": "a\x00b"}, "cannot keep"),
        ({"file_path": "x", "title": None}, "title has to be a text"),
        ({"file_path": "x", "title": "t" * 501}, "501 characters"),
        ({"file_path": "x", "title": "half \ud83d"}, "cannot keep"),
        ({"file_path": "x", "description": "\x00"}, "cannot keep"),
        ({"file_path": "x", "file_source_type": "ftp"}, "one of url, s3, local"),
        ({"file_path": "x", "file_source_type": ""}, "one of url, s3, local"),
        ({"file_path": "x", "file_source_type": None}, "has to be a text"),
        ({"file_path": "x", "tags": "y"}, "tags is nothing that the tagger reads"),
    ],
)
def test_rows_that_are_refused(row: dict[str, Any], said: str) -> None:
    """The tagger takes them all. Some fail there, and some break its history."""
    problems = TAGGER.check_request({"custom_id": "a", **row}, None).problems

    assert len(problems) == 1
    assert said in problems[0]


def test_another_endpoint() -> None:
    """There is one."""
    checked = TAGGER.check_request({"file_path": "x"}, "/v1/responses")

    assert checked.endpoint is None
    assert START in checked.problems[0]


def test_cells() -> None:
    """Columns of a CSV are the members of a row."""
    assert [column.name for column in TAGGER.columns if column.is_needed] == ["file_path"]
    row = TAGGER.row_of({column.name: "url" for column in TAGGER.columns})
    assert TAGGER.check_request(row, None).problems == ()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"num_pages": 1, "num_tags": 3},
        {"num_pages": 10, "num_tags": 15, "model_name": "openai/gpt-4o-mini", "exclusion_words": ["annual", "report"]},
        {"exclusion_words": []},
    ],
)
def test_params(params: dict[str, Any]) -> None:
    """Params within the ranges of the contract can be ordered."""
    assert TAGGER.why_not_order(START, params, ["llm_key"]) is None


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"num_pages": 0}, "num_pages has to be a whole number from 1 to 10"),
        ({"num_pages": 11}, "from 1 to 10"),
        ({"num_tags": 2}, "num_tags has to be a whole number from 3 to 15"),
        ({"num_tags": 16}, "from 3 to 15"),
        ({"num_tags": 5.0}, "whole number"),
        ({"num_tags": True}, "whole number"),
        ({"num_tags": None}, "whole number"),
        ({"model_name": ""}, "model_name"),
        ({"model_name": 4}, "model_name"),
        ({"exclusion_words": "annual"}, "exclusion_words has to be a list"),
        ({"exclusion_words": ["annual", ""]}, "exclusion_words"),
        ({"api_key": "sk"}, "api_key is no param"),
        ({"documents": []}, "documents is no param"),
        ({"column_mapping": {}}, "column_mapping is no param"),
    ],
)
def test_params_that_are_refused(params: dict[str, Any], said: str) -> None:
    """Anything else would be a 422 there, or be overlooked."""
    assert said in (TAGGER.why_not_order(START, params, ["llm_key"]) or "")


def test_without_a_key_of_the_llm() -> None:
    """Nothing can be ordered, and it is said what to configure."""
    assert "llm_key_env" in (TAGGER.why_not_order(START, {}, []) or "")
    assert START in (TAGGER.why_not_order("/v1/responses", {}, ["llm_key"]) or "")


def test_started() -> None:
    """200 about our own id: the job is there, and has so many rows."""
    read = TAGGER.read_create(said({"job_id": JOB, "total_documents": 2, "message": "Started"}), order())

    assert isinstance(read, Observed)
    told = read.observation
    assert (told.kind, told.job_id, told.status, told.counts) == ("batch", JOB, Status.PENDING, RowCounts(2))
    assert isinstance(TAGGER.read_create(said({"job_id": JOB})), Observed)


@pytest.mark.parametrize(
    "response",
    [
        refused(400, "No documents provided"),
        refused(400, "API key is required"),
        refused(422, [{"loc": ["body", "config", "num_tags"], "msg": "Input should be less than or equal to 15"}]),
        Response(413, {}, b"too large"),
    ],
)
def test_refused(response: Response) -> None:
    """What was turned away has started nothing."""
    read = TAGGER.read_create(response, order())

    assert isinstance(read, SubmitRefused)
    assert read.http_status == response.status


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    """A 422 repeats the input, and that may be a key."""
    entry = {
        "type": "x",
        "loc": ["body", "config", "api_key"],
        "msg": "Input should be a valid string",
        "input": "sk-or-1",
    }
    read = TAGGER.read_create(refused(422, [entry]), order())

    assert isinstance(read, SubmitRefused)
    assert read.message == "HTTP 422: body.config.api_key: Input should be a valid string"


@pytest.mark.parametrize(
    "response",
    [
        refused(401, "Invalid or expired token"),
        refused(403, "User account is disabled"),
        refused(403, "Not authenticated"),
        refused(404, "Not Found"),
        Response(307, {"location": "/x"}, b""),
        Response(429, {}, b""),
    ],
)
def test_later(response: Response) -> None:
    """What is about the account or the way has started nothing, and can be sent again once that is mended."""
    assert isinstance(TAGGER.read_create(response, order()), SubmitLater)


@pytest.mark.parametrize(
    "response",
    [
        BROKEN,  # Redis is down: a row of history stays behind
        HTML,
        Response(504, {}, b""),
        Response(408, {}, b""),
        refused(409, "Job already exists"),
        Response(200, {}, b"<html>"),
        said({}),
        said({"job_id": "another"}),
    ],
)
def test_unclear(response: Response) -> None:
    """What may have started a job is asked about by the id that we gave it, and not sent again."""
    read = TAGGER.read_create(response, order())

    assert isinstance(read, SubmitUnclear)
    assert (read.kind, read.job_id) == ("batch", JOB)


@given(
    st.integers(0, 999),
    st.binary()
    | st.dictionaries(
        st.sampled_from(["job_id", "total_documents", "detail"]), st.text() | st.integers() | st.just(JOB)
    ),
)
def test_answers_of_any_kind(status: int, body: Any) -> None:
    """Any answer leaves us with a job, a refusal, a later try, or a question; a job is always the one that was ordered."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    read = TAGGER.read_create(Response(status, {}, content), order())

    assert isinstance(read, Observed | SubmitRefused | SubmitLater | SubmitUnclear)
    if isinstance(read, Observed):
        assert read.observation.job_id == JOB
    if isinstance(read, SubmitUnclear):
        assert read.job_id == JOB


ROW = st.dictionaries(
    st.sampled_from(["custom_id", "title", "file_path", "file_source_type", "description"]) | st.text(),
    st.text() | st.none() | st.integers() | st.sampled_from(["url", "s3"]),
)


@given(ROW, st.none() | st.text())
def test_rows_of_any_kind(row: dict[str, Any], endpoint: str | None) -> None:
    """What passes the check is sent as it stands, and can be written as UTF-8; what does not is not sent."""
    problems = TAGGER.check_request(row, endpoint).problems
    question = TAGGER.create(BASE, order(rows=json.dumps(row).encode()))

    assert all(problem.isprintable() for problem in problems)
    assert question.body is not None
    json.dumps(question.body, ensure_ascii=False).encode()
    if endpoint is None:
        sent = [{name: value for name, value in row.items() if name != "custom_id"}] if not problems else []
        assert question.body["documents"] == sent


@given(
    st.dictionaries(
        st.sampled_from(["num_pages", "num_tags", "model_name", "exclusion_words"]) | st.text(),
        st.text() | st.integers(),
    )
)
def test_params_of_any_kind(params: dict[str, Any]) -> None:
    """Any params can be ordered, or it is said why not."""
    why = TAGGER.why_not_order(START, params, ["llm_key"])

    assert why is None or why.isprintable()
