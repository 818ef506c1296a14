"""Fetching: what makes content whole, and what one look and one fetch change."""

from typing import Any

import pytest
from factories import NOW, job, output
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rounds.fetching import LEAST_DENIALS, PARKED_FOR, Parked, Stored, fetched, name_of
from reconciler.rounds.looking import found
from reconciler.whole import Incomplete, Taken, why_incomplete
from schemas.contents import Streamed
from schemas.ids import parse
from schemas.readings import Denied, FileExists
from schemas.readings import Troubled as Trouble
from schemas.tables import OutputRow
from schemas.times import MINUTE, SECOND
from schemas.words import OutputRole, OutputState, Status
from schemas.words import Trouble as Kind

PATIENCE = 15 * MINUTE
WHOLE = Taken(100, "abc", 9)
TOLD, UNTOLD, CLOSED = Streamed(100, True), Streamed(None, True), Streamed(None, False)
JOB = job(Status.COMPLETED, rows_completed=9, rows_failed=2)


@pytest.mark.parametrize(
    ("row", "streamed", "taken", "why"),
    [
        ({"size": 100}, TOLD, WHOLE, None),
        ({"size": None}, TOLD, WHOLE, None),
        ({"size": 100}, UNTOLD, WHOLE, None),
        ({"size": 100}, CLOSED, WHOLE, None),
        ({"size": 100}, Streamed(101, True), WHOLE, "100 bytes came of the 101 that were promised"),
        ({"size": 101}, TOLD, WHOLE, "100 bytes came, and the file's record says 101"),
        ({"size": 100}, TOLD, Taken(100, "abc", 9, "it is cut"), "100 bytes came, and it is cut"),
        ({}, UNTOLD, WHOLE, None),  # as many rows as were counted
        ({}, UNTOLD, Taken(90, "abc", 8), "8 rows came, and the provider counted 9"),
        ({}, CLOSED, Taken(90, "abc", 8), "8 rows came, and the provider counted 9"),
        ({"sha256": "abc"}, UNTOLD, Taken(90, "abc", 8), None),  # the same came twice
        ({"sha256": "abd"}, UNTOLD, Taken(90, "abc", 8), "8 rows came, and the provider counted 9"),
        ({"role": OutputRole.ERROR}, UNTOLD, Taken(90, "abc", 2), None),
        ({"role": OutputRole.ERROR}, UNTOLD, Taken(90, "abc", 1), "1 rows came, and the provider counted 2"),
        ({"role": OutputRole.RESULTS}, UNTOLD, Taken(90, "abc", 10), "10 rows came, and the provider counted 11"),
        ({"role": OutputRole.CONTENT}, UNTOLD, Taken(90, "abc"), None),
        ({"role": OutputRole.CONTENT}, CLOSED, Taken(90, "abc"), "nothing marked its end"),
        ({"role": OutputRole.CONTENT, "sha256": "abc"}, CLOSED, Taken(90, "abc"), None),
    ],
)
def test_whole(row: dict[str, Any], streamed: Streamed, taken: Taken, why: str | None) -> None:
    """Content is whole by its length, by its file's record and by its last line; where nobody told a length, by its rows."""
    incomplete = why_incomplete(output(**row), JOB, streamed, taken)
    assert (incomplete is None) == (why is None)
    if incomplete is not None:
        assert incomplete.message.startswith(str(why))
        is_doubt = "once more" in incomplete.message
        assert incomplete.sha256 == (taken.sha256 if is_doubt else None)
        assert incomplete.look_again == ("record" in incomplete.message)


@pytest.mark.parametrize(("size", "is_fetched", "due_at"), [(7, True, NOW), (None, True, NOW), (7, False, None)])
def test_found(size: int | None, is_fetched: bool, due_at: int | None) -> None:
    """A file that exists is due for its fetch at once, where it is to be fetched."""
    changes = found(output(state=OutputState.NAMED), FileExists("file-out", size), is_fetched, PATIENCE, NOW)
    assert (changes["state"], changes["size"], changes["due_at"]) == ("exists", size, due_at)


def test_not_found() -> None:
    """Denials count from the first of them, and trouble on the way does not count."""
    row = output(state=OutputState.NAMED, named_at=NOW - PATIENCE)
    denied = found(row, Denied("not found"), True, PATIENCE, NOW)
    assert "state" not in denied
    assert denied["denied_since"] == NOW
    row = output(state=OutputState.NAMED, denied_since=NOW - PATIENCE)
    assert found(row, Denied("not found"), True, PATIENCE, NOW)["state"] == "unreadable"
    assert "state" not in found(row, Trouble(Kind.GATEWAY, "HTTP 500"), True, PATIENCE, NOW)


def test_stored() -> None:
    """What is among our files is described by its row, and nothing is left to do about it."""
    changes = fetched(output(denials=2, denied_since=5, message="HTTP 404"), Stored("a/b", WHOLE), PATIENCE, NOW)
    row = OutputRow(**{**output().model_dump(), **changes})
    assert (row.state, row.stored_as, row.size, row.sha256, row.lines) == ("fetched", "a/b", 100, "abc", 9)
    assert (row.fetched_at, row.due_at, row.message, row.denials, row.denied_since) == (NOW, None, None, 0, None)


@pytest.mark.parametrize("state", [OutputState.EXISTS, OutputState.PARKED])
def test_parked(state: OutputState) -> None:
    """What there is no room for is tried again by itself, and keeps whatever is known of its size."""
    changes = fetched(output(state=state, size=7), Parked("no room"), PATIENCE, NOW)
    assert (changes["state"], changes["due_at"], changes["message"], changes["size"]) == (
        "parked", NOW + PARKED_FOR, "no room", 7,
    )  # fmt: skip
    assert fetched(output(), Parked("too large", 9), PATIENCE, NOW)["size"] == 9


@pytest.mark.parametrize(
    ("role", "look_again", "state", "forgets"),
    [("output", False, "exists", False), ("output", True, "named", False), ("results", True, "exists", True)],
)
def test_incomplete(role: str, look_again: bool, state: str, forgets: bool) -> None:
    """What is not whole is fetched again later; where its record said otherwise, that is read anew, too."""
    changes = fetched(output(role=OutputRole(role), size=5), Incomplete("cut", look_again), PATIENCE, NOW)
    assert (changes["state"], changes["due_at"] > NOW, changes["message"]) == (state, True, "cut")
    assert (changes.get("size", 5) is None) == forgets


@pytest.mark.parametrize(
    ("denials", "since", "unreadable"),
    [
        (LEAST_DENIALS - 1, NOW - PATIENCE, True),
        (LEAST_DENIALS - 2, NOW - PATIENCE, False),  # not often enough
        (LEAST_DENIALS + 9, NOW - PATIENCE + 1, False),  # not long enough
        (0, None, False),
    ],
)
def test_denied(denials: int, since: int | None, unreadable: bool) -> None:
    """Content is out of reach when it was denied often and long enough, in a row."""
    changes = fetched(output(denials=denials, denied_since=since, named_at=0), Denied("no such file"), PATIENCE, NOW)
    assert (changes["state"] == "unreadable") is unreadable
    assert (changes["due_at"] is None) is unreadable
    assert changes["denials"] == denials + 1


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.one_of(st.none(), st.integers(-(10**18), 10**18)))
def test_trouble_never_ends_it(fetches: int, denials: int, retry_after: int | None) -> None:
    """However often a fetch goes wrong on the way, it is tried again, within the patience for outputs or as was wished."""
    row = output(fetches=fetches, denials=denials, denied_since=0)
    changes = fetched(row, Trouble(Kind.GATEWAY, "HTTP 500", retry_after=retry_after), PATIENCE, NOW)
    assert changes["state"] == "exists"
    assert NOW + SECOND <= changes["due_at"] <= NOW + PATIENCE


def test_threat_56_names_hold_nothing_of_the_provider() -> None:
    """The name of a file is made of our own words and ids: nothing of the provider is part of a path."""
    row = output("../../etc/passwd", id=7)
    assert name_of(job(), row) == "main/outputs/job_0000000000001/output-out_0000000000007.jsonl"
    assert name_of(job(), output("x", role=OutputRole.CONTENT, id=8)).endswith("/content-out_0000000000008")
    assert parse("out_0000000000007", "out") == 7
