"""The tagger's parts without a socket: what is asked, which tokens are good, what a store keeps, what the page says."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sandbox
from sandbox.server import DEFAULT_TAGGER_EMAIL, DEFAULT_TAGGER_PASSWORD
from sandbox.tagger.documents import TROUBLES, read_document
from sandbox.tagger.orders import BROKEN_MODEL, WRONG_KEY
from sandbox.tagger.store import StateStore, StoreDown
from sandbox.tagger.switches import Switches
from sandbox.tagger.tokens import read_token, signed
from sandbox.tagger.wire import kind_of

PAGES = (Path(sandbox.__file__).parents[1] / "docs" / "sandbox.md").read_text()
PAGE = PAGES.partition("## The document tagger")[2].partition("\n## ")[0]
BEGAN = datetime(2026, 5, 3, 8, tzinfo=UTC)
SECRET = b"secret"
# The first text of a run may take a second to draw.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("method", "path", "kind", "job_id"),
    [
        ("POST", "/api/auth/login", "login", None),
        ("POST", "/api/auth/refresh", "refresh", None),
        ("GET", "/api/auth/me", "me", None),
        ("POST", "/api/batch/start", "start", None),
        ("GET", "/api/batch/active", "active", None),
        ("GET", "/api/batch/jobs/a b/status", "status", "a b"),
        ("POST", "/api/batch/jobs/a/pause", "pause", "a"),
        ("WEBSOCKET", "/api/batch/ws/a", "socket", "a"),
        ("GET", "/api/history/jobs", "history", None),
        ("DELETE", "/api/history/jobs/a", "history", None),
        ("GET", "/api/health", "health", None),
        ("GET", "/api/batch/jobs/a/b/status", "other", None),
        ("GET", "/api/batch/jobs/a/status/", "other", None),
        ("GET", "/api/batch/jobs/a/cancel", "other", None),
        ("GET", "", "other", None),
    ],
)
def test_what_is_asked(method: str, path: str, kind: str, job_id: str | None) -> None:
    """
    Each route has a word, those about a job name it, and whatever is no route is `other`.
    """
    assert kind_of(method, path) == (kind, job_id)


@patient
@given(st.dictionaries(st.text(), st.integers() | st.text()), st.integers(1, 2**40))
def test_a_token_is_good_until_it_ends(claims: dict[str, int | str], end: int) -> None:
    """
    Whoever signs can read it, up to the second before it ends and not in the second when it does.
    """
    claims |= {"type": "access", "exp": end}
    token = signed(claims, SECRET)

    assert read_token(token, SECRET, end - 0.001) == claims
    assert read_token(token, SECRET, end) is None
    assert read_token(token, b"another", 0) is None
    assert read_token(signed(claims | {"type": "refresh"}, SECRET), SECRET, 0) is None


@patient
@given(st.data())
def test_no_other_text_is_a_token(data: st.DataObject) -> None:
    """
    Any text at all, and a good token with any character changed, is refused and breaks nothing.
    """
    good = signed({"type": "access", "exp": 10}, SECRET)
    place = data.draw(st.integers(0, len(good) - 1))
    changed = good[:place] + data.draw(st.characters().filter(lambda new: new != good[place])) + good[place + 1 :]

    assert read_token(changed, SECRET, 0) is None
    assert read_token(data.draw(st.text()), SECRET, 0) is None


class Redis:
    """A store with hands on its clock and its plug."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.is_down = False
        self.store = StateStore(lambda: self.now, lambda: self.is_down)

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)


def test_a_write_does_not_put_off_the_end() -> None:
    """
    A state ends when its start said, however often it is written; what is written later has no end.
    """
    redis = Redis()
    redis.store.write("a", {"total": "1"}, until=redis.later(10))
    redis.now = redis.later(9)
    redis.store.write("a", {"status": "processing"})
    redis.now = redis.later(1)
    ended = redis.store.read("a")
    redis.store.write("a", {"status": "completed"})
    redis.now = redis.later(10**9)

    assert ended == {}
    assert redis.store.read("a") == {"status": "completed"}


def test_results_end_after_the_last_of_them() -> None:
    """
    Each that is pushed puts off the end of all, whether there is a state or not.
    """
    redis = Redis()
    redis.store.push("a", {"row_id": 0}, until=redis.later(10))
    redis.now = redis.later(9)
    redis.store.push("a", {"row_id": 1}, until=redis.later(10))
    redis.now = redis.later(9)
    kept = redis.store.results("a")
    redis.now = redis.later(1)

    assert kept == [{"row_id": 0}, {"row_id": 1}]
    assert redis.store.results("a") == []


def test_a_field_is_taken_once() -> None:
    """
    A ghost that is read out is gone, and a state of which a field is taken is not.
    """
    redis = Redis()
    redis.store.write("ghost", {"command": "cancel"})
    redis.store.write("job", {"command": "pause", "total": "1"})

    assert [redis.store.take("ghost", "command"), redis.store.take("ghost", "command")] == ["cancel", None]
    assert redis.store.take("job", "command") == "pause"
    assert redis.store.read_all() == {"job": {"total": "1"}}


def test_a_store_that_is_down_keeps_what_it_has() -> None:
    """
    Nothing can be read or written; afterwards all is as it was.
    """
    redis = Redis()
    redis.store.write("a", {"total": "1"})
    redis.is_down = True
    for ask in (
        lambda: redis.store.read("a"),
        redis.store.read_all,
        lambda: redis.store.results("a"),
        lambda: redis.store.take("a", "total"),
        lambda: redis.store.write("a", {"total": "2"}),
        lambda: redis.store.push("a", {}, BEGAN),
    ):
        with pytest.raises(StoreDown):
            ask()
    redis.is_down = False

    assert (redis.store.read("a"), redis.store.results("a")) == ({"total": "1"}, [])


@patient
@given(
    st.dictionaries(st.sampled_from(["title", "file_path", "file_source_type", "description"]), st.none() | st.text())
)
def test_any_row_is_read(row: dict[str, str | None]) -> None:
    """
    It is broken without a path or with a null, and then it does not fit or has no text; otherwise the host decides.
    """
    document = read_document(row, is_key_good=True)

    assert document.is_broken == (not row.get("file_path") or None in row.values())
    assert document.fits or not document.file_path or len(document.title) > 500 or len(document.file_path) > 1000


@pytest.mark.parametrize("path", ["https://fails.example/a.pdf", "s3://fails.example/a", "https://FAILS.example:8080/"])
def test_the_host_decides(path: str) -> None:
    """
    In any scheme, case and port; a path that cannot be read as an address is a good row.
    """
    trouble = read_document({"file_path": path}, is_key_good=True).trouble

    assert trouble == f"Download failed: 404 Client Error: Not Found for url: {path}"
    assert read_document({"file_path": "http://[fails.example/"}, is_key_good=True).trouble is None


def test_the_page_has_everything() -> None:
    """
    docs/sandbox.md tells every switch with its default, every host that fails, the account, and the words with a meaning.
    """
    defaults = Switches().model_dump(mode="json")
    shown = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", PAGE, re.MULTILINE))

    assert shown == {
        name: str(value).lower() if isinstance(value, bool) else f"{value}" for name, value in defaults.items()
    }
    assert [host for host in TROUBLES if f"| `{host}` |" not in PAGE] == []
    for word in (DEFAULT_TAGGER_EMAIL, DEFAULT_TAGGER_PASSWORD, WRONG_KEY, BROKEN_MODEL):
        assert f"`{word}`" in PAGE
