"""The stand-in for OpenAI, as far as it is pure: lives of batches, their files, its words, and its signature."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Batch as Theirs

from sandbox.clock import Clock
from sandbox.openai.batches import Batch, Order, errors_of, output_of, reading
from sandbox.openai.objects import batch_object
from sandbox.openai.scenarios import STATUS_FAULTS, WORDS, drawn_scenario, read_scenario
from sandbox.rows import Row
from sandbox.scenarios import CREATE_FAULTS, Scenario, UnknownScenario
from sandbox.standard_webhooks import signed_headers

BORN = datetime(2026, 6, 11, 8, 30, tzinfo=UTC)
CLOCK = Clock()
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "dialects" / "standard_webhooks_vectors.json").read_text()
)


def batch(words: str = "", rows: int = 8, problem: str = "", cancel_asked: float | None = None) -> Batch:
    asked = tuple(Row(f"row-{n}", "/v1/responses", {"model": "gpt-5-mini"}) for n in range(0 if problem else rows))
    return Batch(
        id="batch_1",
        order=Order("file-in", "/v1/responses", {"team": "search"}, asked, problem),
        scenario=read_scenario(words) if words else Scenario(),
        created_at=BORN,
        output_file_id="file-out",
        error_file_id="file-err",
        cancel_asked=cancel_asked,
    )


def shown(one: Batch, seconds: float) -> dict[str, Any]:
    object_ = batch_object(one, reading(one, CLOCK, BORN + timedelta(seconds=seconds)), CLOCK)
    Theirs.model_validate(object_)
    assert object_.keys() >= set(Theirs.model_fields) - {"usage"}
    return object_


def custom_ids(lines: bytes) -> set[str]:
    return {json.loads(line)["custom_id"] for line in lines.splitlines()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_its_signature(vector: dict[str, Any]) -> None:
    """It signs as the contract's vectors do."""
    signed = signed_headers(vector["secret"], vector["id"], int(vector["timestamp"]), vector["body"].encode())

    assert signed == {
        "webhook-id": vector["id"],
        "webhook-timestamp": vector["timestamp"],
        "webhook-signature": vector["signature"],
    }


@pytest.mark.parametrize(
    ("words", "seconds", "status", "counts"),
    [
        ("", 0, "validating", (0, 0, 0)),
        ("", 270, "in_progress", (8, 4, 0)),
        ("", 520, "finalizing", (8, 8, 0)),
        ("", 541, "completed", (8, 8, 0)),
        ("rows_fail", 541, "completed", (8, 5, 3)),
        ("all_rows_fail", 541, "completed", (8, 0, 8)),
        ("expires", 541, "expired", (8, 4, 4)),
        ("fails", 29, "validating", (0, 0, 0)),
        ("fails", 31, "failed", (0, 0, 0)),
    ],
)
def test_a_life(words: str, seconds: float, status: str, counts: tuple[int, int, int]) -> None:
    """What the batch says at some second of its life, which the SDK takes for a batch."""
    object_ = shown(batch(words), seconds)

    assert object_["status"] == status
    assert tuple(object_["request_counts"].values()) == counts


def test_files_of_an_end() -> None:
    """Only an end names files, and only those that hold something; together they hold each row once."""
    for words, named in [("", (True, False)), ("rows_fail", (True, True)), ("all_rows_fail", (False, True))]:
        one = batch(words)
        assert (shown(one, 520)["output_file_id"], shown(one, 520)["error_file_id"]) == (None, None)
        object_ = shown(one, 541)
        assert (object_["output_file_id"] is not None, object_["error_file_id"] is not None) == named
        end = reading(one, CLOCK, BORN + timedelta(seconds=541))
        good, bad = custom_ids(output_of(one, end)), custom_ids(errors_of(one, end))
        assert not good & bad
        assert good | bad == {f"row-{n}" for n in range(8)}


def test_why_it_failed() -> None:
    """A batch that did not pass validation says why, has no file and was never in progress."""
    for one in (batch("fails"), batch(problem="The input has a bad line.")):
        object_ = shown(one, 31)

        assert object_["status"] == "failed"
        assert object_["errors"]["data"][0]["code"] == "invalid_json_line"
        assert (object_["output_file_id"], object_["error_file_id"], object_["in_progress_at"]) == (None, None, None)


def test_an_expired_batch_keeps_what_was_done() -> None:
    """Its output file holds what was answered, its error file the rest, with the word for that; it says when it expires."""
    one = batch("expires")
    end = reading(one, CLOCK, BORN + timedelta(seconds=541))

    assert len(custom_ids(output_of(one, end))) == 4
    assert {json.loads(line)["error"]["code"] for line in errors_of(one, end).splitlines()} == {"batch_expired"}
    assert shown(one, 541)["expired_at"] == shown(one, 541)["expires_at"]


def test_a_cancelled_batch() -> None:
    """It is cancelling for a while, then cancelled with what was done; one that loses ends as if nobody had asked."""
    one = batch(cancel_asked=270)
    assert shown(one, 280)["status"] == "cancelling"
    end = shown(one, 291)
    assert (end["status"], end["request_counts"]) == ("cancelled", {"total": 8, "completed": 4, "failed": 4})
    assert end["cancelled_at"] > end["cancelling_at"]

    assert shown(batch("cancel_loses", cancel_asked=270), 541)["status"] == "completed"
    assert shown(batch("fails", cancel_asked=10), 31)["status"] == "cancelled"


@given(st.floats(0, 2_000), st.none() | st.floats(0, 540), st.sampled_from(["", "expires", "rows_fail", "cancel_late"]))
def test_rows_add_up(seconds: float, cancel_asked: float | None, words: str) -> None:
    """At every moment of every life the counts are of rows that there are, and at the end of all of them."""
    asked = None if cancel_asked is None or cancel_asked > seconds else cancel_asked
    one = batch(words, cancel_asked=asked)
    found = reading(one, CLOCK, BORN + timedelta(seconds=seconds))

    done = len(found.answered) + len(found.errors)
    assert done <= 8
    assert done == 8 or not found.terminal


@pytest.mark.parametrize(
    ("text", "told"),
    [("fail", "Known words: webhook_lost"), ("status_stale", "Unknown"), ("fails,expires", "decide the same thing")],
)
def test_words_that_are_refused(text: str, told: str) -> None:
    """A word that the stand-in does not know, and two that exclude each other, are refused with what there is."""
    with pytest.raises(UnknownScenario, match=told):
        read_scenario(text)


def test_each_word_alone() -> None:
    """Each word is read; those for status answers are among them, and a seed draws none for creates."""
    assert all(word in read_scenario(word) for word in WORDS)
    assert set(STATUS_FAULTS) < WORDS.keys()
    drawn = [drawn_scenario(7, n).text for n in range(200)]
    assert drawn == [drawn_scenario(7, n).text for n in range(200)]
    assert not CREATE_FAULTS & set(drawn)


def test_every_word_is_listed() -> None:
    """docs/sandbox.md lists each word with what it does at OpenAI."""
    text = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text().partition("## OpenAI")[2]

    assert [word for word, what in WORDS.items() if f"| `{word}` | {what} |" not in text] == []
