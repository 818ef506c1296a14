"""What we ask the tagger, and where (contract 1.2, 2, 3, 5, 7, 9, 10)."""

import pytest
from tagger_wire import API, BASE, DB_JOB, HISTORY, JOB, PLACE, STATUS, TAGGER

from schemas.readings import Question
from schemas.times import MINUTE, SECOND
from schemas.words import ActionVerb, Status


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("https://tagger.example", "https://tagger.example/api"),
        ("https://tagger.example/", "https://tagger.example/api"),
        ("https://tagger.example/api", "https://tagger.example/api"),
        ("https://tagger.example/api/", "https://tagger.example/api"),
        ("http://127.0.0.1:8090/tagger", "http://127.0.0.1:8090/tagger/api"),
        ("http://api", "http://api/api"),
        ("http://api/myapi", "http://api/myapi/api"),
    ],
)
def test_base_url(base_url: str, root: str) -> None:
    """The base URL may name `/api` or not; every question stands below it."""
    assert TAGGER.poll(base_url, "batch", JOB, None) == (Question("GET", f"{root}/batch/jobs/{JOB}/status"),)
    assert TAGGER.list_page(base_url, None) == Question("GET", f"{root}/batch/active")
    assert TAGGER.check_key(base_url) == (Question("GET", f"{root}/auth/me"),)
    assert TAGGER.login.log_in(base_url, "x").url == f"{root}/auth/login"
    assert TAGGER.login.refresh(base_url, "x").url == f"{root}/auth/refresh"
    assert TAGGER.socket(base_url, "batch", JOB).url == f"{root}/batch/ws/{JOB}".replace("http", "ws", 1)


@pytest.mark.parametrize("place", [PLACE, HISTORY])
def test_history_is_asked_last(place: str) -> None:
    """Where a job's history is known, it is the second question; without a slash at the end, which would be a redirect."""
    assert TAGGER.poll(BASE, "batch", JOB, place) == (Question("GET", STATUS), Question("GET", HISTORY))
    assert TAGGER.poll(API, "batch", JOB, place) == (Question("GET", STATUS), Question("GET", HISTORY))


@pytest.mark.parametrize(
    "offered",
    [
        f"https://evil.example{PLACE}",
        f"{PLACE}/",
        f"{PLACE}?x=1",
        f"/api/history/jobs/{JOB[:-1]}",
        "/api/history/jobs/../../auth/me",
        f"/other{PLACE}",
        STATUS,
        "",
    ],
)
def test_other_places_are_not_followed(offered: str) -> None:
    """Any other polling URL is recorded, and the job's status is asked for where it always is."""
    assert TAGGER.poll(BASE, "batch", JOB, offered) == (Question("GET", STATUS, mismatch=offered),)


@pytest.mark.parametrize("verb", [ActionVerb.CANCEL, ActionVerb.PAUSE, ActionVerb.RESUME])
def test_commands(verb: ActionVerb) -> None:
    """A command is a POST without a body, and the job is looked at right before: to an unknown one it would make a ghost."""
    assert TAGGER.act(BASE, verb, "batch", JOB, None) == Question("POST", f"{API}/batch/jobs/{JOB}/{verb}")
    assert TAGGER.looks_before_acting


def test_no_other_commands() -> None:
    """There are no others."""
    assert TAGGER.act(BASE, ActionVerb.REPLAY, "batch", JOB, None) is None


def test_rows_are_asked_for_over_the_socket_first() -> None:
    """All rows are in the first message of the socket. History comes next where it is known, and alone with a cursor; behind
    the # of the socket stands under which id."""
    socket = f"wss://tagger.example/api/batch/ws/{JOB}"
    known = [Question("GET", f"{socket}#{DB_JOB}"), Question("GET", HISTORY)]

    assert list(TAGGER.result_page(BASE, "batch", JOB, None, None)) == [Question("GET", socket)]
    assert list(TAGGER.result_page(BASE, "batch", JOB, PLACE, None)) == known
    assert list(TAGGER.result_page(BASE, "batch", JOB, None, f"history:{DB_JOB}")) == [Question("GET", HISTORY)]
    [lacking] = TAGGER.result_page(BASE, "batch", JOB, None, f"history:{DB_JOB}#0,1")
    assert lacking == Question("GET", f"{HISTORY}#0,1")
    for stranger in ("", "2", f"histories:{DB_JOB}", f"history:{DB_JOB}#x", "history:../../auth#", "history:#1"):
        assert list(TAGGER.result_page(BASE, "batch", JOB, PLACE, stranger)) == []


def test_the_token_stands_in_no_url() -> None:
    """It goes in the header, also for a socket."""
    assert TAGGER.headers("ey.x.y") == {"authorization": "Bearer ey.x.y"}
    assert "?" not in TAGGER.socket(BASE, "batch", JOB).url


def test_ids_stay_one_segment() -> None:
    """Nothing in an id can end the path's segment."""
    assert TAGGER.poll(BASE, "batch", "a/b?c", None)[0].url == f"{API}/batch/jobs/a%2Fb%3Fc/status"


def test_there_is_one_page() -> None:
    """The list has no second page, and is looked at once a minute at the most."""
    assert TAGGER.list_page(BASE, "2") is None
    assert TAGGER.list_pause == MINUTE


def test_pace() -> None:
    """5 to 10 s at first, growing to 60 s; one question at a time, with patience for a server that is busy."""
    small, large, unknown = (TAGGER.advice(rows, False) for rows in (3, 500, None))

    assert (small.first, large.first, unknown.first) == (5 * SECOND, 10 * SECOND, 10 * SECOND)
    assert {one.cap for one in (small, large, unknown)} == {MINUTE}
    assert TAGGER.defaults.concurrency == 1
    assert TAGGER.defaults.request_timeout_seconds >= 120
    assert TAGGER.socket_silence > 30


def test_when_denials_end_a_job() -> None:
    """A job that was seen has expired after three denials over five minutes; one never seen was not accepted."""
    seen, unseen = TAGGER.not_found_rule(True), TAGGER.not_found_rule(False)

    assert (seen.times, seen.over, seen.becomes) == (3, 5 * MINUTE, Status.EXPIRED)
    assert unseen.times > 3
    assert (unseen.over, unseen.becomes) == (3 * MINUTE, Status.FAILED)
