"""The rows of a job: where they are found, and which request each answers (contract 6, 9, 10)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagger_wire import (
    BASE,
    BROKEN,
    DB_JOB,
    JOB,
    PLACE,
    TAGGER,
    catchup,
    document,
    entry,
    history,
    refused,
    said,
    stored,
)

from schemas.contents import NoRow, ResultPage, ResultRow
from schemas.readings import Denied, Response, Troubled
from schemas.words import Trouble

HISTORY_ALONE = f"history:{DB_JOB}"


def read(body: Any, cursor: str | None = None) -> Any:
    """How an answer is read: to the first question there is, or the one with a cursor."""
    response = body if isinstance(body, Response) else said(body)
    asked = TAGGER.result_page(BASE, "batch", JOB, None, cursor)
    return TAGGER.read_result_page("batch", JOB, response, asked[0] if asked else None)


def page(body: Any, cursor: str | None = None) -> ResultPage:
    found = read(body, cursor)
    assert isinstance(found, ResultPage), found
    return found


def keys(found: ResultPage) -> list[str]:
    return [row.key for row in found.rows]


def test_all_rows_come_at_once() -> None:
    """A row is under its place among the documents, as is the request that it answers."""
    rows = [entry(0), entry(1, "Download failed: 404"), entry(2)]
    found = page(catchup(rows, **stored("completed", processed=2, failed=1)))

    assert keys(found) == ["0", "1", "2"]
    assert [row.row for row in found.rows] == rows
    assert (found.cursor, found.problem) == (None, None)
    assert [TAGGER.request_key(b"{}", place) for place in range(3)] == keys(found)


def test_a_row_told_twice_counts_once() -> None:
    """Of two entries of one row, as when an id was started twice, the later counts."""
    found = page(catchup([entry(0, "Processing error: x"), entry(0)], **stored("completed", processed=1)))

    assert [row.row["success"] for row in found.rows] == [True]


def test_what_is_missing_is_asked_of_history() -> None:
    """Fewer rows than were handled: history is asked for the others, and adds those that are not there."""
    first = page(catchup([entry(0), entry(2)], **stored("completed", processed=2, failed=1)))
    assert (keys(first), first.problem) == (["0", "2"], None)
    assert first.cursor == f"history:{DB_JOB}#0,2"

    documents = [document(0, created=1), document(1, "failed", created=2), document(2, created=3)]
    second = page(history(documents=documents, total_documents=3), first.cursor)
    assert [(row.key, row.row["status"]) for row in second.rows] == [("1", "failed")]
    assert (second.cursor, second.problem) == (None, None)


def test_history_that_was_known_before() -> None:
    """Of a state that was lost while the job ran only the rest is left, which does not tell where history is: what it lacks is
    asked of the history that was known before."""
    (asked, _) = TAGGER.result_page(BASE, "batch", JOB, PLACE, None)
    rest = said(catchup([entry(2)], status="completed", processed_count="2", failed_count="1"))
    found = TAGGER.read_result_page("batch", JOB, rest, asked)

    assert isinstance(found, ResultPage)
    assert (keys(found), found.cursor) == (["2"], f"history:{DB_JOB}#2")


@pytest.mark.parametrize(
    "answer",
    [refused(404, "Job not found"), refused(403, "Access denied"), said(history(documents=None)), said(history())],
)
def test_history_that_adds_nothing(answer: Response) -> None:
    """The rows that are there are not lost because history is not."""
    assert page(answer, f"history:{DB_JOB}#0") == ResultPage()


@pytest.mark.parametrize("answer", [BROKEN, refused(404, "Not Found"), said(history(id=JOB))])
def test_history_in_trouble(answer: Response) -> None:
    """History that cannot be had now is asked once more later."""
    assert isinstance(read(answer, f"history:{DB_JOB}#0"), Troubled)


def test_history_alone() -> None:
    """Where the socket has nothing, the history that is known has the rows, as far as they were handled."""
    documents = [
        document(1, created=2, processed=2),
        document(0, created=1, processed=1),
        document(2, "pending", created=3),
    ]
    found = page(history("cancelled", documents=documents, total_documents=3), HISTORY_ALONE)

    assert [(row.key, row.row["id"]) for row in found.rows] == [("0", "doc-0"), ("1", "doc-1")]


@pytest.mark.parametrize(
    "documents",
    [
        [document(0, created=1), document(1, created=1)],  # written at one time
        [document(0, created=1), document(1)],
        [document(0, created=2, processed=1), document(1, created=1, processed=2)],  # the times contradict each other
        [document(0, created=1), document(1, created=2), document(2, created=3)],  # another number than were started
        [document(0, created=1), document(1, created=2), "x"],
        [document(0), document(1)],
    ],
)
def test_places_that_history_does_not_tell(documents: list[Any]) -> None:
    """Where it is not certain which document was which, no request is given another's outcome."""
    found = page(history(documents=documents, total_documents=2), HISTORY_ALONE)

    assert all(row.key == f"document:{row.row['id']}" for row in found.rows)
    assert len(found.rows) >= 2
    assert page(history(documents=documents, total_documents=2), f"history:{DB_JOB}#0") == ResultPage()


def test_places_by_what_was_handled() -> None:
    """Documents that were written at one time have their order from when they were handled, one after the other."""
    documents = [document(1, created=1, processed=7), document(0, "failed", created=1, processed=5)]

    assert [(row.key, row.row["id"]) for row in page(history(documents=documents), HISTORY_ALONE).rows] == [
        ("0", "doc-0"),
        ("1", "doc-1"),
    ]


@given(st.permutations(range(6)), st.integers(0, 6))
def test_places_whatever_the_order_shown(order: list[int], handled: int) -> None:
    """In whatever order history shows its documents, each row that was handled gets its own place."""
    documents = [
        document(at, created=at, processed=at) if at < handled else document(at, "pending", created=at) for at in order
    ]
    found = read(history("cancelled", documents=documents, total_documents=6), HISTORY_ALONE)

    if handled == 0:
        assert isinstance(found, Denied)
    else:
        assert {row.key: row.row["id"] for row in found.rows} == {str(at): f"doc-{at}" for at in range(handled)}


@pytest.mark.parametrize("state", [{}, {"command": "cancel"}, stored("unknown"), stored(db_job_id="", processed=3)])
def test_rows_that_are_gone(state: dict[str, str]) -> None:
    """No rows, and nothing that says that there were none: the tagger has them no more. A history that is known is asked next."""
    assert isinstance(read(catchup([], **state)), Denied)
    assert isinstance(read(refused(404, "Job not found"), HISTORY_ALONE), Denied)
    assert isinstance(read(history(), HISTORY_ALONE), Denied)


def test_no_rows_at_all() -> None:
    """A job that ended before its first row has none, and that is no problem."""
    for status in ("cancelled", "failed"):
        assert page(catchup([], **stored(status))) == ResultPage()


def test_rows_outlive_the_state() -> None:
    """The list of rows may be there when the state is not."""
    assert keys(page(catchup([entry(0)]))) == ["0"]


@pytest.mark.parametrize("status", ["pending", "processing", "paused"])
def test_another_run(status: str) -> None:
    """A job that is at work again would show rows of another run."""
    assert "again" in (page(catchup([entry(0)], **stored(status, processed=1))).problem or "")


@pytest.mark.parametrize("strange", [7, None, {}, {"row_id": "one"}, {"row_id": True}])
def test_rows_that_cannot_be_told(strange: Any) -> None:
    """A row of which nobody can say whose it is makes the page incomplete."""
    assert page(catchup([entry(0), strange], **stored(processed=2))).problem is not None


@pytest.mark.parametrize(
    ("frame", "trouble"),
    [
        ({"error": "Authentication required", "job_id": JOB}, Trouble.KEY_REFUSED),
        ({"error": "Error connecting to Redis", "job_id": JOB}, Trouble.GATEWAY),
        ({"type": "keepalive", "job_id": JOB}, Trouble.UNREADABLE),
        (catchup(None), Trouble.UNREADABLE),
        (catchup([]) | {"job_id": "another"}, Trouble.WRONG_JOB),
    ],
)
def test_trouble(frame: dict[str, Any], trouble: Trouble) -> None:
    """A first message that is not the catch-up says nothing of rows. A token that ran out is not held against the account."""
    found = read(frame)

    assert isinstance(found, Troubled)
    assert (found.trouble, found.about_source) == (trouble, False)


def line(row: Any, custom_id: Any = "a") -> bytes:
    return json.dumps({"custom_id": custom_id, "row": row}).encode()


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (entry(0), (True, None, None)),
        (
            entry(0, "Download failed: 404 for https://x"),
            (False, "Download failed", "Download failed: 404 for https://x"),
        ),
        (
            entry(0, "Processing timed out (5 minutes)"),
            (False, "Processing timed out", "Processing timed out (5 minutes)"),
        ),
        (
            entry(0, "Tag generation failed: RATE_LIMITED: 429"),
            (False, "RATE_LIMITED", "Tag generation failed: RATE_LIMITED: 429"),
        ),
        (entry(0, "Download failed: RATE_LIMITED: x"), (False, "Download failed", "Download failed: RATE_LIMITED: x")),
        (entry(0, "no words"), (False, None, "no words")),
        ({"success": False}, (False, None, None)),
        (document(0), (True, None, None)),
        (document(0, "failed"), (False, "Download failed", "Download failed: 404")),
        ({"success": False, "status": "success"}, (False, None, None)),
    ],
)
def test_row(row: dict[str, Any], outcome: tuple[Any, ...]) -> None:
    """A row of the socket says `success`, one of history its status; of an error text only its beginning is a code."""
    found = TAGGER.read_row(line(row))

    assert isinstance(found, ResultRow)
    assert (found.succeeded, found.error_code, found.error_message) == outcome
    assert found.custom_id == "a"
    assert json.loads(found.body or b"") == row


@pytest.mark.parametrize(
    "told",
    [b"", b"[]", b"{}", line({}), line({"status": "pending"}), line(None), line(entry(0), 7), b'{"custom_id":"\xff"}'],
)
def test_no_row(told: bytes) -> None:
    """What is no row, or has no outcome, is said to be none."""
    assert isinstance(TAGGER.read_row(told), NoRow)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([JOB, DB_JOB, "catchup", "completed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "job_id", "state", "results", "documents", "id", "status", "error", "total_documents"])
DOCUMENTS = st.dictionaries(st.sampled_from(["id", "status", "created_at", "processed_at"]), JSON)


@given(st.dictionaries(NAMES, JSON | st.lists(DOCUMENTS)), st.sampled_from([200, 403, 404, 500]), st.none() | st.text())
def test_pages_of_any_kind(members: dict[str, Any], status: int, cursor: str | None) -> None:
    """Whatever comes, with whatever cursor, is a page, a denial or trouble; no key stands twice; and every row can be kept."""
    body = {"job_id": JOB, "id": DB_JOB, **members}
    for used in (cursor, HISTORY_ALONE, f"{HISTORY_ALONE}#0,1"):
        found = read(said(body, status), used)

        assert isinstance(found, ResultPage | Denied | Troubled)
        if isinstance(found, ResultPage):
            places = [row.key for row in found.rows if row.key.isdecimal()]
            assert len(set(places)) == len(places)


@given(st.binary() | JSON.map(lambda row: json.dumps(row).encode()) | JSON.map(line))
def test_rows_of_any_kind(told: bytes) -> None:
    """Any line is a row or none."""
    assert isinstance(TAGGER.read_row(told), ResultRow | NoRow)
