"""The standard dialect: what is asked, and what each answer means."""

import json
from typing import Any

import pytest

from schemas.dialects.orders import NewJob, SubmitRefused
from schemas.dialects.standard import Standard
from schemas.dialects.standard.options import Options
from schemas.readings import (
    Accepted,
    CancelRefused,
    Denied,
    KeyFails,
    KeyWorks,
    Observation,
    Observed,
    Question,
    Response,
    RowCounts,
    Troubled,
)
from schemas.times import SECOND
from schemas.words import ActionVerb, Status, Trouble

BASE = "https://api.example.com/v1"
JOB = "t_1"
OPTIONS: dict[str, Any] = {
    "status_url": "/v1/tasks/{job}",
    "words": {"queued": "pending", "done": "completed", "error": "failed", "gone": "expired"},
}


def dialect(**options: Any) -> Standard:
    return Standard("runs", Options(**OPTIONS | options))


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def polled(body: Any, **options: Any) -> Any:
    return dialect(**options).read_poll("job", JOB, answer(body))


def test_the_questions() -> None:
    """A job is asked about and cancelled where the options say; without a cancel_url it cannot be, and never paused."""
    one = dialect(cancel_url="/v1/tasks/{job}", cancel_method="DELETE")

    assert one.poll(BASE, "job", "a/b", "https://evil.example") == (Question("GET", f"{BASE}/tasks/a%2Fb"),)
    assert one.act(BASE, ActionVerb.CANCEL, "job", JOB, None) == Question("DELETE", f"{BASE}/tasks/{JOB}")
    assert one.act(BASE, ActionVerb.PAUSE, "job", JOB, None) is None
    assert dialect().act(BASE, ActionVerb.CANCEL, "job", JOB, None) is None
    assert Standard().poll(BASE, "job", JOB, None) == ()


def test_a_whole_answer() -> None:
    """Status, counts and what went wrong are read where the options say, and nothing else is."""
    document = {
        "task": {"uuid": JOB, "state": "ERROR"},
        "rows": {"all": 4, "good": 1, "bad": 3},
        "problem": {"text": "no\nmemory"},
        "output": "https://signed.example/secret",
    }
    read = polled(
        document,
        poll_job="task.uuid",
        poll_status="task.state",
        counts_total="rows.all",
        counts_completed="rows.good",
        counts_failed="rows.bad",
        error_message="problem.text",
        kind="task",
    )

    assert read == Observed(
        Observation(
            kind="task",
            job_id=JOB,
            status=Status.FAILED,
            native_status="ERROR",
            progress=100,
            counts=RowCounts(4, 1, 3),
            error_message="no\\nmemory",
            writes_files=False,
        )
    )


@pytest.mark.parametrize(
    ("said", "status"),
    [("queued", Status.PENDING), ("Done", Status.COMPLETED), ("gone", Status.EXPIRED), ("winding_up", Status.PENDING)],
)
def test_words(said: str, status: Status) -> None:
    """A word that is not in the table is shown, and is no end."""
    read = polled({"id": JOB, "status": said})

    assert isinstance(read, Observed)
    assert (read.observation.status, read.observation.native_status) == (status, said)


@pytest.mark.parametrize(
    ("body", "trouble", "said"),
    [
        ({"id": JOB}, Trouble.UNREADABLE, "no status word stands at status of the answer; is poll_status right?"),
        ({"id": JOB, "status": None}, Trouble.UNREADABLE, "no status word stands at status"),
        ({"id": JOB, "status": ""}, Trouble.UNREADABLE, "no status word stands at status"),
        ({"id": JOB, "status": 3}, Trouble.UNREADABLE, "no status word stands at status"),
        ({"id": JOB, "status": ["done"]}, Trouble.UNREADABLE, "no status word stands at status"),
        ({"status": "done"}, Trouble.UNREADABLE, "no usable id stands at id of the answer; is poll_job right?"),
        ({"id": None, "status": "done"}, Trouble.UNREADABLE, "no usable id stands at id"),
        ({"id": "t_2", "status": "done"}, Trouble.WRONG_JOB, "the answer is about t_2"),
        ([], Trouble.UNREADABLE, "the answer is not readable: not an object"),
        (b"<html>", Trouble.UNREADABLE, "the answer is not readable: not JSON"),
        (b'{"id": "t_1", "status": "done", "status": "queued"}', Trouble.UNREADABLE, "a key stands twice"),
    ],
)
def test_answers_that_do_not_count(body: Any, trouble: Trouble, said: str) -> None:
    """A success without a word for the status, or about another job, moves nothing; it says which option to look at."""
    read = polled(body)

    assert isinstance(read, Troubled)
    assert read.trouble is trouble
    assert said in read.message
    assert not read.about_source


def test_an_answer_without_an_id() -> None:
    """Where the options say that the answer repeats no id, none is missed."""
    assert isinstance(polled({"status": "done"}, poll_job=""), Observed)


def test_a_number_as_an_id() -> None:
    """A provider may count its jobs: the number is the id that we asked with."""
    read = dialect().read_poll("job", "12", answer({"id": 12, "status": "done"}))

    assert isinstance(read, Observed)


@pytest.mark.parametrize("value", [None, "7", -1, 1.5, True, [7]])
def test_counts_that_are_none(value: Any) -> None:
    """A count that is no whole number is not known; one below nothing is nothing."""
    read = polled({"id": JOB, "status": "done", "n": value}, counts_total="n", counts_failed="missing.path")

    assert isinstance(read, Observed)
    assert read.observation.counts == RowCounts(0 if value == -1 else None, None, None)


@pytest.mark.parametrize(
    ("status", "body", "trouble", "about_source"),
    [
        (401, b'{"detail":"bad key"}', Trouble.KEY_REFUSED, True),
        (403, b'{"detail":"not yours"}', Trouble.KEY_REFUSED, False),
        (429, b"", Trouble.RATE_LIMITED, True),
        (400, b'{"detail":"bad id"}', Trouble.REQUEST, False),
        (404, b"<html>not found</html>", Trouble.REQUEST, False),
        (404, b"", Trouble.REQUEST, False),
        (410, b"[]", Trouble.REQUEST, False),
        (408, b"", Trouble.GATEWAY, False),
        (500, b'{"error":"oops"}', Trouble.GATEWAY, False),
        (503, b"", Trouble.GATEWAY, False),
        (302, b"", Trouble.REDIRECTED, False),
    ],
)
def test_errors(status: int, body: bytes, trouble: Trouble, about_source: bool) -> None:
    """The HTTP status says whose trouble it is. A page that is no JSON denies no job, whatever its status."""
    read = dialect().read_poll("job", JOB, answer(body, status))

    assert isinstance(read, Troubled)
    assert (read.trouble, read.about_source, read.http_status) == (trouble, about_source, status)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_cancel_in_trouble(status: int) -> None:
    """What says nothing about the job is no answer to a cancel; it is sent again, when the provider wishes."""
    asked = answer(b"<html>", status, retry_after="7")
    read = dialect().read_act(ActionVerb.CANCEL, "job", JOB, asked)

    assert isinstance(read, Troubled)
    assert read.retry_after == 7 * SECOND
    assert read == dialect().read_poll("job", JOB, asked)


@pytest.mark.parametrize("status", [404, 410])
def test_denials(status: int) -> None:
    """A 404 or 410 in JSON says that there is no such job. It ends one only after several over a day."""
    assert dialect().read_poll("job", JOB, answer({"detail": "no"}, status)) == Denied(
        f'HTTP {status}: {{"detail": "no"}}'
    )
    assert isinstance(dialect().read_act(ActionVerb.CANCEL, "job", JOB, answer({}, status)), Denied)


@pytest.mark.parametrize("body", [b"", b"OK", b'{"id": "t_1", "status": "done"}', b'{"id": "other"}'])
def test_an_accepted_cancel(body: bytes) -> None:
    """Whatever a success says, the status endpoint has the next word."""
    assert dialect().read_act(ActionVerb.CANCEL, "job", JOB, Response(202, {}, body)) == Accepted()


@pytest.mark.parametrize("status", [400, 405, 409, 422])
def test_a_refused_cancel(status: int) -> None:
    """A 4xx that is not about our key is a no."""
    read = dialect().read_act(ActionVerb.CANCEL, "job", JOB, answer({"detail": "over"}, status))

    assert read == CancelRefused(status, f'HTTP {status}: {{"detail": "over"}}')


def test_the_key() -> None:
    """A job that nobody has is asked about: what denies it in JSON has let us in, and says no more than that."""
    one = dialect()
    (question,) = one.check_key(BASE)
    assert question == Question("GET", f"{BASE}/tasks/00000000-0000-4000-8000-000000000000")

    works = one.read_key(answer({"detail": "no such task"}, 404))
    assert isinstance(works, KeyWorks)
    assert works.note is not None

    refused = one.read_key(answer({"detail": "who are you?"}, 401))
    assert isinstance(refused, KeyFails)
    assert refused.trouble.trouble is Trouble.KEY_REFUSED

    disliked = one.read_key(answer({"detail": "malformed id"}, 422))
    assert isinstance(disliked, KeyFails)
    assert disliked.advice is not None
    assert "may only dislike the id" in disliked.advice


def test_nothing_is_created() -> None:
    """It says in words that jobs are made elsewhere, and nothing that is asked of it all the same makes one."""
    one = dialect()

    assert one.why_not_submit is not None
    assert "batchkeeper track" in one.why_not_submit
    assert one.check_request({"custom_id": "a"}, None).problems
    assert isinstance(one.read_create(answer({"id": JOB, "status": "done"})), SubmitRefused)
    with pytest.raises(NotImplementedError):
        one.create(BASE, NewJob())
