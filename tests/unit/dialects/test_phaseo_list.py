"""What Phaseo's list tells, and what it cannot (contract 3.3)."""

import json
from typing import Any

import pytest

from sandbox.listing import FILTERS as GATEWAYS
from schemas.dialects.phaseo import Phaseo
from schemas.dialects.phaseo.listing import FILTERS
from schemas.readings import Page, Question, Response, Troubled
from schemas.times import parse_rfc3339
from schemas.words import Status, Trouble


def entry(number: int = 0, **members: Any) -> dict[str, Any]:
    """One batch as the list shows it."""
    shown = {
        "id": f"batch_{number}",
        "object": "batch",
        "status": "in_progress",
        "input_file_id": f"file-{number}",
        "output_file_id": None,
        "error_file_id": None,
        "request_counts": {"total": 10, "completed": 4, "failed": 0},
        "created_at": "2026-08-12T01:00:00.123456+00:00",
        "updated_at": "2026-08-12T01:30:00.5+00:00",
        "lifecycle_status": "running",
    }
    return {**shown, **members}


def page(*entries: Any, **members: Any) -> Page:
    body = {"object": "list", "data": list(entries), "has_more": False, **members}
    read = Phaseo().read_page(Response(200, {}, json.dumps(body).encode()))
    assert isinstance(read, Page)
    return read


def test_asked_unfiltered() -> None:
    """The list is asked for as many as it gives, first without a filter; each further question names one status."""
    asked = [Phaseo().list_page("https://api.phaseo.app/v1", cursor) for cursor in (None, "pending")]

    assert asked == [
        Question("GET", "https://api.phaseo.app/v1/batches?limit=100"),
        Question("GET", "https://api.phaseo.app/v1/batches?limit=100&status=pending"),
    ]


def test_an_entry() -> None:
    """An entry tells status, progress, input file and when it was created; its metadata is not shown there."""
    (seen,) = page(entry()).observations

    assert (seen.kind, seen.job_id, seen.status, seen.native_status) == (
        "batch",
        "batch_0",
        Status.RUNNING,
        "in_progress",
    )
    assert (seen.progress, seen.input_file_id, seen.submission) == (40, "file-0", None)
    assert seen.created_at == parse_rfc3339("2026-08-12T01:00:00.123456Z")


def test_a_token() -> None:
    """Where a batch's metadata is shown, the token of a submission of ours is read from it."""
    (seen,) = page(entry(metadata={"batchkeeper_submission": "sub_0123456789abc"})).observations

    assert seen.submission == "sub_0123456789abc"


@pytest.mark.parametrize(("many", "is_full"), [(0, False), (99, False), (100, True), (101, True), (5000, True)])
def test_full(many: int, is_full: bool) -> None:
    """A page that is full does not show everything: then the list goes on by status. Never more than a hundred are read."""
    read = page(*(entry(number) for number in range(many)), has_more=True)

    assert (len(read.observations), read.is_full, read.only) == (min(many, 100), is_full, None)
    assert read.cursor == ("pending" if is_full else None)
    assert ("creation hangs" in (read.doubt or "")) == is_full


def test_status_by_status() -> None:
    """After a full page the list is asked for each status that a filter can name, once: what is open first."""
    asked, cursor = [], page(*(entry(number) for number in range(100))).cursor
    while cursor is not None:
        asked.append(cursor)
        read = Phaseo().read_page(Response(200, {}, b'{"data":[]}'), cursor)
        assert isinstance(read, Page)
        assert (read.only, read.is_full, read.doubt) == (cursor, False, None)
        cursor = read.cursor

    assert asked == ["pending", "in_progress", "cancelled", "failed", "expired", "completed"]


@pytest.mark.parametrize(
    ("asked", "status", "obeyed"),
    [
        ("pending", "validating", True),
        ("pending", "in_progress", False),
        ("in_progress", "cancelling", True),
        ("in_progress", "completed", False),
        ("cancelled", "canceled", True),
        ("completed", "COMPLETED", True),
        ("expired", "submission_unknown", False),
    ],
)
def test_a_filter_that_is_switched_off(asked: str, status: str, obeyed: bool) -> None:
    """An entry that the filter should have kept back gives it away: what the page shows is read, and no filter is asked again."""
    body = json.dumps({"data": [entry(1, status=status)]}).encode()
    read = Phaseo().read_page(Response(200, {}, body), asked)

    assert isinstance(read, Page)
    assert len(read.observations) == 1
    assert read.only == (asked if obeyed else None)
    assert obeyed or read.cursor is None
    assert read.doubt == (None if obeyed else f"the gateway did not obey its filter status={asked}")


@pytest.mark.parametrize("asked", [None, "completed"])
def test_full_again(asked: str | None) -> None:
    """A page of one status can be full as well: then it says so, and the list goes on to the next status all the same."""
    body = json.dumps({"data": [entry(number, status="completed") for number in range(100)]}).encode()
    read = Phaseo().read_page(Response(200, {}, body), asked)

    assert isinstance(read, Page)
    assert (read.is_full, read.only) == (True, asked)
    assert read.cursor == ("pending" if asked is None else None)


def test_filters_that_the_gateway_knows() -> None:
    """Each filter that is sent is one that the gateway knows, and lets pass what the gateway says that it does."""
    assert {word: set(passing) for word, passing in FILTERS.items()} == {word: GATEWAYS[word] for word in FILTERS}
    assert set().union(*FILTERS.values()) == set().union(*GATEWAYS.values())


def test_order() -> None:
    """The most recently touched stay first; of a batch that is shown twice its first entry counts."""
    read = page(entry(2), entry(1), entry(2, status="completed"), entry(0))

    assert [(seen.job_id, seen.status) for seen in read.observations] == [
        ("batch_2", Status.RUNNING),
        ("batch_1", Status.RUNNING),
        ("batch_0", Status.RUNNING),
    ]


@pytest.mark.parametrize(
    "broken",
    [None, 7, "batch_1", [], {}, {"id": "batch_1"}, {"id": "a b", "status": "completed"}, {"status": "failed"}],
)
def test_an_unreadable_entry(broken: Any) -> None:
    """An entry of which nothing can be said is counted, and costs the others nothing."""
    read = page(entry(1), broken, entry(2))

    assert ([seen.job_id for seen in read.observations], read.unreadable) == (["batch_1", "batch_2"], 1)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"data":{}}', b'{"data":null}', b'{"data":[', b"\xff"]
)
def test_no_list(body: bytes) -> None:
    """What is no list is trouble, and not an empty account."""
    read = Phaseo().read_page(Response(200, {}, body))

    assert isinstance(read, Troubled)
    assert (read.trouble, read.about_source) == (Trouble.UNREADABLE, False)


@pytest.mark.parametrize(
    ("status", "body", "trouble", "about_source"),
    [
        (401, {"error": "unauthorised", "reason": "key_expired", "error_origin": "user"}, Trouble.KEY_REFUSED, True),
        (429, {"error": {"message": "slow down", "type": "x"}}, Trouble.RATE_LIMITED, False),
        (500, "Internal Server Error", Trouble.GATEWAY, False),
        (302, "", Trouble.REDIRECTED, False),
    ],
)
def test_refused(status: int, body: Any, trouble: Trouble, about_source: bool) -> None:
    """An error is read as for any other question, a wish to wait included."""
    read = Phaseo().read_page(Response(status, {"retry-after": "7"}, json.dumps(body).encode()))

    assert isinstance(read, Troubled)
    assert (read.trouble, read.about_source) == (trouble, about_source)
    assert read.retry_after == (None if status == 302 else 7_000_000)
