"""OpenAI's batch object: what is read of it, in each of its states, and that the SDK's own model holds nothing that we lose."""

import json
from typing import Any

import pytest
from openai.types import Batch

from schemas.dialects.openai.objects import read_object
from schemas.dialects.openai.status import WORDS, read_status
from schemas.readings import Observation, RowCounts
from schemas.times import SECOND
from schemas.words import Status

AT = 1_781_166_600
COUNTS = {"total": 10, "completed": 6, "failed": 1}


def batch(**members: Any) -> dict[str, Any]:
    """A batch as create, retrieve, cancel and list show it, with every member that the SDK knows."""
    shown: dict[str, Any] = dict.fromkeys(Batch.model_fields)
    return {
        **shown,
        "id": "batch_abc123",
        "object": "batch",
        "endpoint": "/v1/responses",
        "input_file_id": "file-in",
        "completion_window": "24h",
        "status": "in_progress",
        "created_at": AT,
        "expires_at": AT + 86_400,
        "in_progress_at": AT + 30,
        "request_counts": COUNTS,
        "metadata": {"team": "search", "batchkeeper_submission": "sub_1"},
        **members,
    }


def read(**members: Any) -> Observation:
    shown = batch(**members)
    Batch.model_validate(shown)  # it is one to the SDK, too
    found = read_object(shown)
    assert isinstance(found, Observation), found
    return found


def test_an_open_batch() -> None:
    """Everything that it says is in its place, and what has no place of its own is kept to be shown."""
    assert read(model="gpt-5-mini") == Observation(
        kind="batch",
        job_id="batch_abc123",
        status=Status.RUNNING,
        native_status="in_progress",
        progress=70,
        counts=RowCounts(10, 6, 1),
        created_at=AT * SECOND,
        expires_at=(AT + 86_400) * SECOND,
        input_file_id="file-in",
        endpoint="/v1/responses",
        model="gpt-5-mini",
        completion_window="24h",
        submission="sub_1",
        metadata={"team": "search", "batchkeeper_submission": "sub_1"},
        more={"in_progress_at": "2026-06-11T08:30:30Z"},
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("validating", Status.PENDING),
        ("in_progress", Status.RUNNING),
        ("finalizing", Status.RUNNING),
        ("cancelling", Status.RUNNING),
        ("completed", Status.COMPLETED),
        ("failed", Status.FAILED),
        ("expired", Status.EXPIRED),
        ("cancelled", Status.CANCELLED),
        ("canceled", Status.CANCELLED),
        ("Completed", Status.COMPLETED),
        ("completed ", Status.PENDING),
        ("succeeded", Status.PENDING),
        ("ended", Status.PENDING),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_words_of_status(word: Any, status: Status | None) -> None:
    """Each word that is known, in any case; a word that nobody has explained is no end."""
    assert read_status(word) is status


def test_every_word_of_the_sdk_is_known() -> None:
    """The SDK's own list of words is the one that we read."""
    words = set(Batch.model_fields["status"].annotation.__args__)

    assert words <= WORDS.keys()
    assert WORDS.keys() - words == {"canceling", "canceled"}


@pytest.mark.parametrize(
    ("status", "times", "ended"),
    [
        ("completed", {"completed_at": AT + 9, "finalizing_at": AT + 8}, AT + 9),
        ("failed", {"failed_at": AT + 9}, AT + 9),
        ("expired", {"expired_at": AT + 9}, AT + 9),
        ("cancelled", {"cancelled_at": AT + 9, "cancelling_at": AT + 8, "failed_at": AT + 1}, AT + 9),
        ("completed", {"cancelled_at": AT + 5}, AT + 5),
        ("completed", {}, None),
        ("cancelling", {"cancelling_at": AT + 8, "completed_at": AT + 9}, None),
    ],
)
def test_when_it_ended(status: str, times: dict[str, int], ended: int | None) -> None:
    """The time under the name of the end that it came to; an open batch has none."""
    assert read(status=status, **times).ended_at == (None if ended is None else ended * SECOND)


def test_an_expired_batch_may_have_rows() -> None:
    """What was done before it expired is named like any other output; so for one that was cancelled."""
    for status in ("expired", "cancelled"):
        found = read(status=status, output_file_id="file-out", error_file_id="file-err")

        assert (found.status, found.output_file_id, found.error_file_id) == (Status(status), "file-out", "file-err")
        assert found.counts == RowCounts(10, 6, 1)


def test_why_it_failed() -> None:
    """The first of its errors, with the line of the input that it is about."""
    one = {"code": "invalid_json_line", "message": "This line is not valid JSON.", "line": 3, "param": None}
    found = read(status="failed", errors={"object": "list", "data": [one, {**one, "line": 7}]})

    assert (found.error_code, found.error_message) == ("invalid_json_line", "line 3: This line is not valid JSON.")
    bare = read(status="failed", errors={"data": [{"code": "token_limit_exceeded", "message": "Too many."}]})
    assert (bare.error_code, bare.error_message) == ("token_limit_exceeded", "Too many.")
    assert read(status="failed", errors=None).error_code is None


def test_usage_and_what_is_new() -> None:
    """What it used, and a member that nobody knows yet, are kept to be shown."""
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    found = read(usage=usage, priority="low")

    assert found.usage["total_tokens"] == 12
    assert json.loads(str(found.usage["output_tokens_details"])) == {"reasoning_tokens": 2}
    assert found.more["priority"] == "low"


@pytest.mark.parametrize(
    "members",
    [
        {"request_counts": None},
        {"request_counts": {"total": "10"}},
        {"request_counts": []},
        {"request_counts": {"total": True, "completed": 1.5}},
    ],
)
def test_counts_that_are_none(members: dict[str, Any]) -> None:
    """Counts that are missing or of a wrong type are unknown, and tell no progress."""
    found = read_object(batch(**members))

    assert isinstance(found, Observation)
    assert (found.counts, found.progress) == (RowCounts(), None)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"id": None}, "the answer has no usable id"),
        ({"id": ""}, "the answer has no usable id"),
        ({"id": ".."}, "the answer has no usable id"),
        ({"id": "batch 1"}, "the answer has no usable id"),
        ({"status": None}, "the answer has no status"),
        ({"status": 3}, "the answer has no status"),
    ],
)
def test_no_batch(members: dict[str, Any], why: str) -> None:
    """Without an id and a word of status it is none."""
    assert read_object(batch(**members)) == why


@pytest.mark.parametrize("name", sorted(set(Batch.model_fields) - {"id", "status"}))
@pytest.mark.parametrize("value", [None, 0, -1, 1e300, "", "x" * 5000, "\u0000\ud800"[:1], [], {}, [[]], True])
def test_members_of_wrong_types(name: str, value: Any) -> None:
    """Any other member may be anything: the rest is read all the same."""
    found = read_object(batch(**{name: value}))

    assert isinstance(found, Observation)
    assert (found.job_id, found.status) == ("batch_abc123", Status.RUNNING)
