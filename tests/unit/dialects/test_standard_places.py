"""The standard dialect: paths into JSON, ids, status words and URLs."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.standard.paths import at, identifier, is_path, put
from schemas.dialects.standard.statuses import read_status, word_for
from schemas.dialects.standard.urls import is_below, url_of, why_no_template
from schemas.identity import is_job_id
from schemas.words import Status

THOROUGH = settings(deadline=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc") | st.text(), inner, max_size=3),
    max_leaves=10,
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "0"]), min_size=1, max_size=4).map(".".join)
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256).filter(is_job_id)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("id", 7),
        ("data.id", "t_1"),
        ("data.state.word", "done"),
        ("data.state", {"word": "done"}),
        ("missing", None),
        ("data.missing.deeper", None),
        ("id.deeper", None),
        ("rows.0", None),
        ("nothing", None),
        ("nothing.deeper", None),
    ],
)
def test_paths(path: str, found: Any) -> None:
    """A path goes from member to member; where it ends early there is nothing, and lists are not entered."""
    document = {"id": 7, "data": {"id": "t_1", "state": {"word": "done"}}, "rows": ["x"], "nothing": None}

    assert at(document, path) == found


@THOROUGH
@given(st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), PATHS, st.text())
def test_what_is_put_is_found(document: dict[str, Any], path: str, value: str) -> None:
    """Looking never raises, and whatever stood in the way, what was put somewhere is found there."""
    at(document, path)
    put(document, path, value)

    assert at(document, path) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", True),
        ("data.id", True),
        ("größe.x y", True),
        ("", False),
        (".", False),
        ("a.", False),
        (".a", False),
        ("a..b", False),
        ("a\n.b", False),
        ("a" * 257, False),
        (".".join("a" * 17), False),
    ],
)
def test_what_is_a_path(text: str, expected: bool) -> None:
    """Names between full stops, none of them empty, within bounds."""
    assert is_path(text) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("t_1", "t_1"),
        (12, "12"),
        (0, "0"),
        (1 << 62, str(1 << 62)),
        (10**5000, None),
        (-1, None),
        (True, None),
        (1.0, None),
        (None, None),
        ("", None),
        ("..", None),
        ("with blank", None),
        ("é", None),
        ("x" * 257, None),
        (["t_1"], None),
        ({"id": "t_1"}, None),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) or abs(value) < 1 << 63 else "huge",
)
def test_identifiers(value: Any, expected: str | None) -> None:
    """An id is printable ASCII, or a whole number written as one; nothing else is taken for one."""
    assert identifier(value) == expected


WORDS = {"done": "completed", "timed-out": "expired", "timed_out": "expired", "going": "running"}


@pytest.mark.parametrize(
    ("native", "status"),
    [
        ("done", Status.COMPLETED),
        ("DONE", Status.COMPLETED),
        ("Timed-Out", Status.EXPIRED),
        ("TIMED_OUT", Status.EXPIRED),
        ("timed out", None),
        ("done ", None),
        ("completed", None),
        ("", None),
        (None, None),
        (1, None),
        (True, None),
        (["done"], None),
    ],
)
def test_words(native: Any, status: Status | None) -> None:
    """A word counts as it stands, in upper or lower case; what is not in the table means nothing, not even our own words."""
    assert read_status(WORDS, native) is status


def test_words_made_by_hand() -> None:
    """A status becomes a word that means it; a word that is one already stays, and what has none stands as it is."""
    assert word_for(WORDS, "completed") == "done"
    assert word_for(WORDS, "DONE") == "DONE"
    assert word_for(WORDS, "cancelled") == "cancelled"


BASE = "https://api.example.com:8443/v1"


@pytest.mark.parametrize(
    ("template", "job_id", "url"),
    [
        ("/v1/tasks/{job}", "t_1", f"{BASE}/tasks/t_1"),
        ("/v1/tasks/{job}/cancel", "a/b?c#d%2e", f"{BASE}/tasks/a%2Fb%3Fc%23d%252e/cancel"),
        ("/v1/tasks/{job}:cancel", "t:1", f"{BASE}/tasks/t%3A1:cancel"),
        ("/v1/status?id={job}&full=1", "a&b=c", f"{BASE}/status?id=a%26b%3Dc&full=1"),
        ("https://API.example.com:8443/v1/{job}", "{job}", f"{BASE}/%7Bjob%7D"),
    ],
)
def test_urls(template: str, job_id: str, url: str) -> None:
    """The id goes in as one segment; the origin is that of base_url, as it is written there."""
    assert why_no_template(template) is None
    assert is_below(template, BASE)
    assert url_of(template, BASE, job_id) == url


@THOROUGH
@given(IDS)
def test_no_id_leaves_its_segment(job_id: str) -> None:
    """Whatever a job is called, the URL has as many segments as its template, and the id can be read back from it."""
    parts = urlsplit(url_of("/v1/tasks/{job}/cancel", BASE, job_id))

    assert parts.path.split("/")[:3] == ["", "v1", "tasks"]
    assert unquote(parts.path.split("/")[3]) == job_id
    assert parts.path.split("/")[4:] == ["cancel"]
    assert (parts.query, parts.fragment) == ("", "")


@THOROUGH
@given(st.text() | st.text("/{}job:.hts#?@[]%\\", max_size=30), st.sampled_from([BASE, "https://a.example"]))
def test_any_text_may_be_a_template(text: str, base_url: str) -> None:
    """A text is refused in words, or leads to the origin of base_url, or is known to lead away. Nothing raises."""
    if why_no_template(text) is None and is_below(text, base_url):
        parts = urlsplit(url_of(text, base_url, "t_1"))
        assert f"{parts.scheme}://{parts.netloc}" == f"https://{urlsplit(base_url).netloc}"
        assert not {".", ".."} & set(parts.path.split("/"))
    json.dumps(why_no_template(text))
