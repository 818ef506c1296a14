"""The timeline of a job: the newest is on top, and of what one moment brought about the effect stands above its cause."""

from typing import Any

from given import NOW

from operators.dashboard.timeline import timeline
from schemas.times import MINUTE, SECOND, rfc3339

AT = rfc3339(NOW)
LISTS = (
    "deliveries", "provider_attempts", "observations", "transitions", "actions", "outputs", "handoffs", "failures",
    "cleared_failures",
)  # fmt: skip


def a_job(**columns: Any) -> dict[str, Any]:
    times = dict.fromkeys(("provider_created_at", "provider_ended_at", "ready_at", "settled_at"))
    empty: dict[str, Any] = {name: [] for name in LISTS}
    return {"id": "job_1", "origin": "submit", "created_at": rfc3339(NOW - MINUTE), **times, **empty, **columns}


def an_answer(at: str = AT) -> dict[str, Any]:
    told = {"asked": "cancel", "status": "running", "native_status": "cancelling", "http_status": 200, "details": {}}
    nothing = dict.fromkeys(("progress", "message", "trouble", "flag"))
    return {**told, **nothing, "times_seen": 1, "first_seen_at": at, "last_seen_at": at}


def test_an_effect_stands_above_its_cause():
    """
    One answer moves the job, answers the cancel, shows a failure and makes it ready and settled, all in one moment.
    """
    action = {
        "id": "act_1",
        "verb": "cancel",
        "asked_by": "operator",
        "reason": None,
        "asked_at": rfc3339(NOW - SECOND),
    }
    answered = {"answered_at": AT, "http_status": 200, "state": "accepted", "message": None}
    failure = {"id": "fail_1", "category": "execution", "code": "failed", "message": "", "detected_at": AT}
    job = a_job(
        observations=[an_answer()],
        transitions=[{"at": AT, "from": "running", "to": "failed", "basis": "observed", "revision": 1}],
        actions=[{**action, **answered}],
        failures=[{**failure, "cleared_at": None}],
        ready_at=AT,
        settled_at=AT,
    )

    assert [one.title.partition(":")[0] for one in timeline(job)] == [
        "settled",
        "ready",
        "execution",
        "running → failed",
        "cancel",
        "answer to our cancel",
        "cancel asked for",
        "known here",
    ]


def test_a_job_is_known_before_anything_is_asked_of_it():
    """
    Even where both are told of one moment.
    """
    assert [one.title for one in timeline(a_job(created_at=AT, observations=[an_answer()]))] == [
        "answer to our cancel",
        "known here",
    ]


def test_one_attempt_is_one():
    """
    A hand-off that was tried once was not tried "1 attempts".
    """
    made = {"id": "hnd_1", "target": "down", "type": "t", "made_at": AT, "done_at": AT, "tried_at": AT, "state": "done"}
    said = {"http_status": 200, "message": None}

    for attempts, words in ((1, "1 attempt, HTTP 200"), (2, "2 attempts, HTTP 200")):
        assert timeline(a_job(handoffs=[{**made, **said, "attempts": attempts}]))[0].text == words
