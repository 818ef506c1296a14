"""What the tagger's answers about jobs mean (contract 3, 4, 5, 7, 8, 9, 11, 12)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagger_wire import BROKEN, DB_JOB, HISTORY, HTML, JOB, PLACE, TAGGER, history, refused, said, state

from schemas.dialects.tagger import Tagger
from schemas.readings import (
    Accepted,
    CancelRefused,
    Denied,
    KeyFails,
    KeyWorks,
    NamedOutput,
    Observation,
    Observed,
    Page,
    Question,
    Response,
    RowCounts,
    Troubled,
)
from schemas.times import parse_rfc3339
from schemas.words import ActionVerb, OutputRole, Status, Trouble

ASKED = Question("GET", HISTORY)
RESULTS = (NamedOutput(OutputRole.RESULTS, JOB),)


def poll(body: Any, status: int = 200) -> Any:
    return TAGGER.read_poll("batch", JOB, said(body, status))


def observed(body: Any) -> Observation:
    answer = poll(body)
    assert isinstance(answer, Observed), answer
    return answer.observation


@pytest.mark.parametrize(
    ("native", "status"),
    [
        ("pending", Status.PENDING),
        ("processing", Status.RUNNING),
        ("paused", Status.PAUSED),
        ("completed", Status.COMPLETED),
        ("failed", Status.FAILED),
        ("cancelled", Status.CANCELLED),
    ],
)
def test_status(native: str, status: Status) -> None:
    """Each word of the status endpoint, with the rows that are done: `processed_count` has only those that succeeded."""
    told = observed(state(native, processed=1, failed=1, total=4))

    assert (told.status, told.native_status, told.kind, told.job_id) == (status, native, "batch", JOB)
    assert told.counts == RowCounts(4, 1, 1)
    assert told.progress == (100 if native == "completed" else 50)
    assert told.outputs == (RESULTS if status.is_terminal else ())
    assert not told.writes_files
    assert told.account is None


@given(st.text(min_size=1), st.integers(0, 3))
def test_unknown_words_end_nothing(word: str, processed: int) -> None:
    """Of a word that nobody knows no more is concluded than that the job is open. The tagger's own words are lower case."""
    answer = poll(state(word, processed=processed))

    if isinstance(answer, Observed) and word not in ("completed", "failed", "cancelled"):
        assert not answer.observation.status.is_terminal
    assert not observed(state("COMPLETED")).status.is_terminal


def test_ghost() -> None:
    """`unknown` with nothing but zeros is what a command to an unknown id leaves: denied, like a job that is not there."""
    answer = poll(state("unknown", total=0))

    assert isinstance(answer, Denied)
    assert "ghost" in answer.message


@pytest.mark.parametrize("told", [{"processed_count": 1}, {"failed_count": 2}, {"results_count": 1}, {"progress": 0.5}])
def test_lost_state(told: dict[str, Any]) -> None:
    """`unknown` with anything counted is a job whose state was lost while it ran: running, its total unknown."""
    one = observed(state("unknown", total=0) | told)

    assert (one.status, one.native_status, one.counts.total) == (Status.RUNNING, "unknown", None)
    assert one.more["state_partial"] is True


def test_progress_without_a_total() -> None:
    """Once the total is lost, the tagger's own fraction counts; and it is never believed of a job that has ended."""
    assert observed(state("processing", processed=3, total=0, progress=0.375)).progress == 38
    assert observed(state("cancelled", processed=3, total=0, progress=0.375)).progress is None
    assert observed(state("completed", processed=3, total=0, progress=0.9)).progress == 100


def test_completed_without_a_success() -> None:
    """A job of which every row failed is completed."""
    one = observed(state("completed", failed=3, total=3))

    assert (one.status, one.counts) == (Status.COMPLETED, RowCounts(3, 0, 3))


def test_cancelled_tells_what_else_it_can_mean() -> None:
    """A server that was shut down reads as cancelled, too. That is no error of a job that was cancelled: the dialect says it."""
    assert observed(state("cancelled", processed=1)).error_message is None
    assert "shut down" in (Tagger.cancelled_may_mean or "")
    assert observed(state("completed")).error_message is None


@pytest.mark.parametrize("native", ["failed", "cancelled"])
def test_no_rows(native: str) -> None:
    """A job that ended before its first row has none that could be fetched."""
    assert observed(state(native)).outputs == ()


def test_started_twice() -> None:
    """More results than documents: the id was started twice."""
    assert observed(state("completed", processed=2, results_count=5)).more["started_twice"] is True


def test_as_documented() -> None:
    """The page calls the total by another name, and has no `results_count`."""
    told = {
        name: value for name, value in state("paused", processed=1).items() if name not in ("total", "results_count")
    }

    assert observed(told | {"total_documents": 4}).counts == RowCounts(4, 1, 0)


@pytest.mark.parametrize(
    ("response", "trouble", "about_source"),
    [
        (refused(401, "Invalid or expired token"), Trouble.KEY_REFUSED, True),
        (refused(401, "User not found"), Trouble.KEY_REFUSED, True),
        (refused(403, "User account is disabled"), Trouble.KEY_REFUSED, True),
        (refused(403, "Not authenticated"), Trouble.REQUEST, True),
        (refused(403, "Invalid authentication credentials"), Trouble.REQUEST, True),
        (refused(404, "Not Found"), Trouble.REQUEST, False),
        (said({}, 404), Trouble.REQUEST, False),
        (Response(404, {}, b"<html>"), Trouble.REQUEST, False),
        (refused(405, "Method Not Allowed"), Trouble.REQUEST, False),
        (refused(422, [{"loc": ["path", "job_id"], "msg": "bad", "input": "s3cret"}]), Trouble.REQUEST, False),
        (Response(307, {"location": "https://tagger.example/api/x/"}, b""), Trouble.REDIRECTED, False),
        (Response(429, {"retry-after": "7"}, b"slow down"), Trouble.RATE_LIMITED, True),
        (BROKEN, Trouble.GATEWAY, False),
        (HTML, Trouble.GATEWAY, False),
        (refused(500, "Failed to fetch job"), Trouble.GATEWAY, False),
        (Response(200, {}, b"<html>welcome</html>"), Trouble.UNREADABLE, False),
        (said({"job_id": JOB}), Trouble.UNREADABLE, False),
        (said(state() | {"status": 7}), Trouble.UNREADABLE, False),
        (said(state() | {"job_id": "another"}), Trouble.WRONG_JOB, False),
        (said({"status": "completed"}), Trouble.WRONG_JOB, False),
    ],
)
def test_trouble(response: Response, trouble: Trouble, about_source: bool) -> None:
    """Whose trouble an answer is. None of these says anything of the job."""
    answer = TAGGER.read_poll("batch", JOB, response)

    assert isinstance(answer, Troubled), answer
    assert (answer.trouble, answer.about_source, answer.http_status) == (trouble, about_source, response.status)
    assert "s3cret" not in answer.message


def test_only_one_text_denies_a_job() -> None:
    """A 404 is about the job only in the tagger's own words for that."""
    answer = poll({"detail": "Job not found"}, 404)

    assert isinstance(answer, Denied)
    assert "24 hours" in answer.message


@pytest.mark.parametrize("native", ["completed", "failed", "cancelled"])
def test_history_tells_the_end(native: str) -> None:
    """A terminal status in history is true, and comes with times and the reason of a failure."""
    body = history(native, error_message="no client")
    answer = TAGGER.read_poll("batch", JOB, said(body), ASKED)

    assert isinstance(answer, Observed)
    told = answer.observation
    assert (told.job_id, told.status, told.counts) == (JOB, Status(native), RowCounts(2, 1, 1))
    assert (told.error_message, told.polling_url, told.outputs) == ("no client", PLACE, RESULTS)
    assert (told.created_at, told.ended_at) == tuple(
        parse_rfc3339(body[name]) for name in ("created_at", "completed_at")
    )


@pytest.mark.parametrize("native", ["pending", "processing", "paused", "archived"])
def test_history_of_an_open_job_proves_nothing(native: str) -> None:
    """History may have stopped being written: then the job is denied, by both."""
    answer = TAGGER.read_poll("batch", JOB, said(history(native)), ASKED)

    assert isinstance(answer, Denied)
    assert native in answer.message


@pytest.mark.parametrize(
    ("response", "meaning"),
    [
        (refused(404, "Job not found"), Denied),
        (refused(403, "Access denied"), Denied),  # another account's
        (refused(403, "Not authenticated"), Troubled),
        (refused(403, "User account is disabled"), Troubled),
        (Response(403, {}, b"<html>"), Troubled),
        (refused(404, "Not Found"), Troubled),
        (refused(422, [{"loc": ["path"], "msg": "no UUID"}]), Troubled),
        (refused(500, "Failed to fetch job"), Troubled),
        (said(history() | {"id": JOB}), Troubled),
        (said(history() | {"status": None}), Troubled),
    ],
)
def test_no_history(response: Response, meaning: type) -> None:
    """History that is not there, or another account's, denies the job; one that cannot be had says nothing."""
    assert isinstance(TAGGER.read_poll("batch", JOB, response, ASKED), meaning)


@pytest.mark.parametrize("verb", [ActionVerb.CANCEL, ActionVerb.PAUSE, ActionVerb.RESUME])
@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (said({"message": f"Cancel command sent to job {JOB}"}), Accepted(f"Cancel command sent to job {JOB}")),
        (said({}), Accepted(None)),
        (refused(409, "Job is completed"), CancelRefused(409, "HTTP 409: Job is completed")),
        (refused(405, "Method Not Allowed"), CancelRefused(405, "HTTP 405: Method Not Allowed")),
    ],
)
def test_commands_are_answered(verb: ActionVerb, response: Response, answer: Any) -> None:
    """200 says that the command was written down, and no more; where the page's words hold, a wrong state is refused."""
    assert TAGGER.read_act(verb, "batch", JOB, response) == answer


@pytest.mark.parametrize("response", [BROKEN, HTML, Response(200, {}, b"ok"), refused(404, "Not Found")])
def test_commands_in_trouble(response: Response) -> None:
    """What is no answer of the tagger's to a command leaves it open."""
    assert isinstance(TAGGER.read_act(ActionVerb.CANCEL, "batch", JOB, response), Troubled)
    unknown = refused(404, "Job not found")
    assert isinstance(TAGGER.read_act(ActionVerb.CANCEL, "batch", JOB, unknown), Denied)


def test_list() -> None:
    """The jobs that read `processing`, and a word on what it leaves out."""
    entries = [
        state(processed=1),
        state() | {"job_id": "another"},
        state() | {"job_id": "another"},
        {"job_id": "x y"},
        7,
    ]
    page = TAGGER.read_page(said({"jobs": entries}))

    assert isinstance(page, Page)
    assert [(one.job_id, one.status) for one in page.observations] == [
        (JOB, Status.RUNNING),
        ("another", Status.RUNNING),
    ]
    assert (page.unreadable, page.is_full, page.cursor, page.only) == (2, False, None, "processing")
    assert "paused" in (page.doubt or "")


def test_list_as_documented() -> None:
    """Where it shows paused jobs as well, it is not said to show only the others."""
    page = TAGGER.read_page(said({"jobs": [state(), state("paused") | {"job_id": "another"}]}))

    assert isinstance(page, Page)
    assert page.only is None


def test_list_without_jobs() -> None:
    """An account without active jobs has an empty list; an answer without a list is none."""
    assert TAGGER.read_page(said({"jobs": []})).observations == ()
    assert isinstance(TAGGER.read_page(said({"jobs": None})), Troubled)
    assert isinstance(TAGGER.read_page(BROKEN), Troubled)


def test_key() -> None:
    """The account that the tagger shows is what only a good token gets."""
    me = {"id": DB_JOB, "email": "daemon@example.com", "is_active": True, "is_verified": False}

    assert TAGGER.read_key(said(me)) == KeyWorks()
    assert isinstance(TAGGER.read_key(said({"email": "daemon@example.com"})), KeyFails)


@pytest.mark.parametrize(
    ("status", "detail", "advice"),
    [
        (401, "User not found", "deleted"),
        (401, "Invalid or expired token", "clock"),
        (403, "User account is disabled", "enable"),
        (403, "Not authenticated", "header"),
        (404, "Not Found", "base_url"),
    ],
)
def test_key_fails(status: int, detail: str, advice: str) -> None:
    """Each refusal comes with what to do about it."""
    read = TAGGER.read_key(refused(status, detail))

    assert isinstance(read, KeyFails)
    assert advice in (read.advice or "")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([JOB, DB_JOB, "completed", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [*state(), *history(), "detail", "jobs", "message", "email", "total_documents", "start_time", "type", "results"]
)


@given(st.dictionaries(NAMES, JSON), st.sampled_from([200, 401, 403, 404, 422, 500]), st.booleans())
def test_answers_of_any_kind(members: dict[str, Any], status: int, of_history: bool) -> None:
    """Whatever stands in the tagger's own members, every answer is read as one of the declared kinds, fit to be shown."""
    response = Response(status, {}, json.dumps({"job_id": JOB, "id": DB_JOB, **members}).encode())
    answer = TAGGER.read_poll("batch", JOB, response, ASKED if of_history else None)

    assert isinstance(answer, Observed | Denied | Troubled)
    assert isinstance(
        TAGGER.read_act(ActionVerb.PAUSE, "batch", JOB, response), Accepted | CancelRefused | Denied | Troubled
    )
    assert isinstance(TAGGER.read_page(response), Page | Troubled)
    assert isinstance(TAGGER.read_key(response), KeyWorks | KeyFails)
    if isinstance(answer, Observed):
        told = answer.observation
        assert status == 200
        assert told.job_id == JOB
        assert told.progress is None or 0 <= told.progress <= 100
        assert all(text is None or text.isprintable() for text in (told.native_status, told.error_message, told.model))
