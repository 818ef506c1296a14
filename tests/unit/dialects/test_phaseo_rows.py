"""Rows of inputs and outputs, as the gateway has them (contract 2.5), and which outputs a job shows beside its files."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contents import NoRow, ResultRow
from schemas.dialects.phaseo import Phaseo
from schemas.readings import NamedOutput, Observed, Question, Response
from schemas.words import OutputRole

BASE = "https://api.phaseo.app/v1"
BODY = {"id": "chatcmpl-1", "choices": []}


def line(**members: Any) -> bytes:
    return json.dumps(members).encode()


def row(response: Any, error: Any = None, **more: Any) -> bytes:
    return line(**{"id": "batch_req_a1", "custom_id": "eval-1", "response": response, "error": error, **more})


@pytest.mark.parametrize(
    ("response", "error", "outcome"),
    [
        ({"status_code": 200, "body": BODY}, None, (True, 200, None, None)),
        ({"status_code": 299, "body": {}}, None, (True, 299, None, None)),
        ({"status_code": 300, "body": BODY}, None, (False, 300, None, None)),
        ({"status_code": 199, "body": BODY}, None, (False, 199, None, None)),
        ({"status_code": 200, "body": []}, None, (False, 200, None, None)),
        ({"status_code": 200, "body": None}, None, (False, 200, None, None)),
        ({"status_code": "200", "body": BODY}, None, (False, None, None, None)),
        ({"status_code": True, "body": BODY}, None, (False, None, None, None)),
        ({"status_code": 200.0, "body": BODY}, None, (False, None, None, None)),
        (
            {"status_code": 400, "body": {"error": {"message": "bad", "type": "invalid_request_error", "code": None}}},
            None,
            (False, 400, "invalid_request_error", "bad"),
        ),
        (None, {"code": "batch_expired", "message": "not run"}, (False, None, "batch_expired", "not run")),
        ({"status_code": 500, "error": {"code": "e3"}}, None, (False, 500, "e3", None)),
        ({"status_code": 500, "body": {"error": {"code": "e2"}}}, {"code": "e1"}, (False, 500, "e1", None)),
        ("nonsense", "plain words", (False, None, None, "plain words")),
    ],
)
def test_outcome(response: Any, error: Any, outcome: tuple[Any, ...]) -> None:
    """A row has succeeded with a status of 200 to 299 and a body that is an object; the first error that it tells of counts."""
    read = Phaseo().read_row(row(response, error))
    assert isinstance(read, ResultRow)
    assert (read.succeeded, read.status_code, read.error_code, read.error_message) == outcome


@pytest.mark.parametrize(
    ("members", "custom_id"),
    [
        ({"custom_id": "a", "id": "b", "request": {"custom_id": "c"}}, "a"),
        ({"id": "b", "request": {"custom_id": "c"}}, "b"),
        ({"custom_id": "", "request": {"custom_id": "c"}}, "c"),
        ({"custom_id": 7, "id": None, "request": {"custom_id": "c"}}, "c"),
    ],
)
def test_custom_id(members: dict[str, Any], custom_id: str) -> None:
    """It may stand in three places, of which the gateway takes the first."""
    read = Phaseo().read_row(line(**members))
    assert isinstance(read, ResultRow)
    assert read.custom_id == custom_id


@pytest.mark.parametrize(
    "said", [b"", b"[]", b"nope", b"{}", b'{"custom_id":7}', b'{"custom_id":"a"', b'{"custom_id":"\xff"}']
)
def test_no_row(said: bytes) -> None:
    """What is no JSON object, or has no custom_id, is no row."""
    assert isinstance(Phaseo().read_row(said), NoRow)
    assert Phaseo().read_custom_id(said) is None


def test_body_and_input() -> None:
    """The body is told as it stands; an input row is known by its custom_id alone."""
    read = Phaseo().read_row(b'{"custom_id":"a","response":{"status_code":200,"body":{"n": 1.50}}}')
    assert read == ResultRow("a", True, 200, body=b'{"n": 1.50}')
    assert Phaseo().read_custom_id(b'{"custom_id":"a","method":"POST","url":"/v1/x","body":{}}') == "a"
    assert Phaseo().read_custom_id(b'{"id":"a"}') is None


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)
names = st.sampled_from(["custom_id", "id", "request", "response", "error", "status_code", "body"])


@given(st.one_of(st.binary(), st.dictionaries(names, json_values).map(lambda members: json.dumps(members).encode())))
def test_never_raises(said: bytes) -> None:
    """Whatever a line holds, it is a row or none."""
    assert isinstance(Phaseo().read_row(said), ResultRow | NoRow)


@pytest.mark.parametrize(
    ("kind", "role", "path"),
    [
        ("batch", OutputRole.OUTPUT, "files/file-1%2F..%2Fx/content"),
        ("batch", OutputRole.ERROR, "files/file-1%2F..%2Fx/content"),
        ("batch", OutputRole.RESULTS, "batches/job%3F1/results"),
        ("video", OutputRole.CONTENT, "videos/job%3F1/content"),
    ],
)
def test_where_it_is_asked_for(kind: str, role: OutputRole, path: str) -> None:
    """Content is asked for on the gateway's own paths, with ids that cannot lead elsewhere."""
    assert Phaseo().content(BASE, kind, "job?1", role, "file-1/../x") == Question("GET", f"{BASE}/{path}")


@pytest.mark.parametrize(
    ("kind", "members", "outputs"),
    [
        ("video", {"status": "completed", "content_url": "https://elsewhere.example/x"}, [OutputRole.CONTENT]),
        ("video", {"status": "in_progress", "content_url": f"{BASE}/videos/j/content"}, []),
        ("video", {"status": "failed", "content_url": f"{BASE}/videos/j/content"}, []),
        ("video", {"status": "completed"}, []),
        ("batch", {"status": "completed", "provider": "anthropic", "results_url": "x"}, [OutputRole.RESULTS]),
        ("batch", {"status": "completed", "provider": "anthropic"}, []),  # before G3 there is no such place
        ("batch", {"status": "completed", "provider": "openai", "results_url": "x"}, []),  # it writes files
        ("batch", {"status": "failed", "provider": "anthropic", "results_url": "x"}, []),
    ],
)
def test_outputs_beside_files(kind: str, members: dict[str, Any], outputs: list[OutputRole]) -> None:
    """A completed video has content; a completed batch of a provider without files has results."""
    body = json.dumps({"id": "j", "object": kind, **members}).encode()
    read = Phaseo().read_poll(kind, "j", Response(200, {}, body))
    assert isinstance(read, Observed)
    assert list(read.observation.outputs) == [NamedOutput(role, "j") for role in outputs]


@pytest.mark.parametrize("half", ["\\ud83d", "x\\udc00", "\\ud83d\\ud83d"])
def test_halves_of_characters(half: str) -> None:
    """A text that was cut in the middle of a character makes its row neither unreadable nor unknown."""
    asked = f'{{"custom_id": "a", "body": {{"x": "{half}"}}}}'.encode()
    answered = f'{{"custom_id": "a", "response": {{"status_code": 200, "body": {{"x": "{half}"}}}}}}'.encode()

    assert Phaseo().read_custom_id(asked) == "a"
    row = Phaseo().read_row(answered)
    assert isinstance(row, ResultRow)
    assert (row.custom_id, row.succeeded) == ("a", True)
