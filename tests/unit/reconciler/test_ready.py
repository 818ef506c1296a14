"""Ready and settled: what a job waits for before it is handed on, and before the asking ends."""

from typing import Any

import pytest
from factories import (
    ENDS,
    JOB_ID,
    NOW,
    OPEN_STATUSES,
    TERMS,
    all_facts,
    changed,
    delivery,
    expected,
    facts,
    inferred,
    job,
    moments,
    output,
    thoroughly,
)
from hypothesis import given

from reconciler.accounting import reckon
from reconciler.facts import Facts
from reconciler.ready import Missing, awaits_file, awaits_file_id, match_due, missing_for_ready, missing_for_settled
from schemas.readings import Suppressed
from schemas.tables import JobRow, OutputRow, RowMatchRow
from schemas.times import HOUR, MINUTE
from schemas.words import OutputRole, OutputState, Status

ENDED = NOW - MINUTE
FILES = {"rows_completed": 9, "output_file_id": "file-out", "error_file_id": "file-err"}
NAMED, EXISTS, UNREADABLE = OutputState.NAMED, OutputState.EXISTS, OutputState.UNREADABLE


def error_file(state: OutputState) -> OutputRow:
    return output("file-err", state, OutputRole.ERROR)


def conditions(row: JobRow, *outputs: OutputRow, now: int = NOW) -> list[str]:
    return [missing.condition for missing in missing_for_ready(facts(row, outputs=outputs), now)]


@pytest.mark.parametrize("status", OPEN_STATUSES)
def test_open(status: Status) -> None:
    """An open job is not ready, and has been waited for since it is known."""
    assert missing_for_ready(facts(job(status)), NOW) == (Missing("has not ended", NOW - HOUR),)


def test_inferred() -> None:
    """What the provider denies for good is ready: its outputs are known to be absent, and nobody waits for ever."""
    assert missing_for_ready(facts(inferred(**FILES, hands_on=1)), NOW) == ()
    assert match_due(facts(inferred(**FILES, hands_on=1)), NOW) is None


@pytest.mark.parametrize("end", ENDS)
def test_without_files(end: Status) -> None:
    """An observed end that names no file, and of which none is to be expected, is ready at once."""
    assert conditions(job(end)) == []
    assert conditions(job(end, rows_completed=0)) == []
    assert conditions(job(end, rows_completed=9, writes_files=0)) == []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("outputs", "missing"),
    [
        ((), ["file-out", "file-err"]),
        ((output(),), ["file-err"]),
        ((output(state=NAMED), error_file(EXISTS)), ["file-out"]),
        ((output(), error_file(NAMED)), ["file-err"]),
        ((output(state=UNREADABLE), error_file(NAMED)), ["file-err"]),
        ((output(), error_file(EXISTS)), []),
        ((output(), error_file(UNREADABLE)), []),  # known to be absent
        ((output(state=UNREADABLE), error_file(EXISTS)), []),
    ],
)
def test_with_files(end: Status, outputs: tuple[OutputRow, ...], missing: list[str]) -> None:
    """Whatever its end, a job is ready when of each file that it names we know whether it is there."""
    row = job(end, **FILES)
    for now in (NOW, NOW + HOUR):
        assert conditions(row, *outputs, now=now) == [f"file {file_id} has not been found yet" for file_id in missing]


def matched(revision: int = 1) -> RowMatchRow:
    return RowMatchRow(job=1, revision=revision, asked=9, succeeded=9, failed=0, missing=0, matched_at=NOW)


FETCHED, PARKED = OutputState.FETCHED, OutputState.PARKED
UNMATCHED = "its rows have not been matched with what was asked yet"


@pytest.mark.parametrize(
    ("outputs", "match", "missing"),
    [
        ((output(), error_file(FETCHED)), matched(), ["file file-out has not been fetched yet"]),
        ((output(message="HTTP 500"), error_file(FETCHED)), None, ["file file-out has not been fetched yet: HTTP 500"]),
        ((output(state=PARKED, message="no room"), error_file(FETCHED)), None, ["file file-out is parked: no room"]),
        ((output(state=NAMED), error_file(FETCHED)), None, ["file file-out has not been found yet"]),
        ((output(state=FETCHED), error_file(FETCHED)), None, [UNMATCHED]),
        ((output(state=FETCHED), error_file(UNREADABLE)), None, [UNMATCHED]),
        ((output(state=FETCHED), error_file(FETCHED)), matched(2), [UNMATCHED]),  # of another end
        ((output(state=FETCHED), error_file(FETCHED)), matched(), []),
        ((output(state=UNREADABLE), error_file(FETCHED)), matched(), []),
    ],
)
def test_fetched(outputs: tuple[OutputRow, ...], match: RowMatchRow | None, missing: list[str]) -> None:
    """Where outputs are fetched, each is here or out of reach, and the rows are matched, before a job is ready."""
    row = job(Status.COMPLETED, hands_on=1, **FILES)
    about = facts(row, outputs=outputs, match=match)
    found = missing_for_ready(about, NOW)
    assert [one.condition for one in found] == missing
    assert all(one.since in (ENDED, NOW - MINUTE) for one in found)
    assert [one.is_parked for one in found] == ["parked" in condition for condition in missing]
    assert match_due(about, NOW) == (NOW if missing == [UNMATCHED] else None)


def test_another_file_is_matched_too() -> None:
    """Rows that have been matched are matched anew when that has become due, and the job is not ready meanwhile."""
    row = job(Status.COMPLETED, hands_on=1, match_due_at=NOW + MINUTE, output_file_id="file-out")
    about = facts(row, outputs=(output(state=FETCHED),), match=matched())
    assert [one.condition for one in missing_for_ready(about, NOW)] == [UNMATCHED]
    assert match_due(about, NOW) == NOW + MINUTE
    waits = facts(changed(row, {"error_file_id": "file-err"}), outputs=(output(state=FETCHED),), match=matched())
    assert match_due(waits, NOW) is None


@pytest.mark.parametrize(
    ("columns", "outputs", "missing"),
    [
        ({"kind": "video", "writes_files": 0}, (), []),
        (
            {"kind": "video", "writes_files": 0},
            (output(JOB_ID, role=OutputRole.CONTENT),),
            ["its content has not been fetched yet"],
        ),
        ({"kind": "video", "writes_files": 0}, (output(JOB_ID, FETCHED, OutputRole.CONTENT),), []),  # it has no rows
        ({"writes_files": 0, "rows_completed": 9}, (), []),  # its provider shows no rows: there is nothing to match
        ({"writes_files": 0}, (output(JOB_ID, FETCHED, OutputRole.RESULTS),), [UNMATCHED]),
        ({"status": "failed"}, (), [UNMATCHED]),  # what was asked is missing then
    ],
)
def test_other_outputs(columns: dict[str, Any], outputs: tuple[OutputRow, ...], missing: list[str]) -> None:
    """A video's content and the results of a batch without files are outputs like others; only what has rows is matched."""
    row = job(**{"status": Status.COMPLETED, "hands_on": 1, **columns})
    assert [one.condition for one in missing_for_ready(facts(row, outputs=outputs), NOW)] == missing


UNNAMED = {"rows_completed": 9, "ended_at": ENDED}
UNTOLD = "the provider has not named its output file yet"


@pytest.mark.parametrize(
    ("columns", "now", "expected_conditions"),
    [
        ({}, NOW, [UNTOLD]),
        ({}, ENDED + TERMS.output_patience - 1, [UNTOLD]),
        ({}, ENDED + TERMS.output_patience, []),  # known to be absent, which is a failure and no reason to wait
        ({"error_file_id": "file-err"}, NOW, ["file file-err has not been found yet", UNTOLD]),
        ({"error_file_id": "file-err"}, ENDED + TERMS.output_patience, ["file file-err has not been found yet"]),
    ],
)
def test_unnamed_output(columns: dict[str, Any], now: int, expected_conditions: list[str]) -> None:
    """Rows succeeded and no file is named: that is waited for until the patience is over. Other files are waited for still."""
    assert conditions(job(Status.COMPLETED, **UNNAMED, **columns), now=now) == expected_conditions


@pytest.mark.parametrize(
    ("status", "columns", "awaited"),
    [
        (Status.COMPLETED, {}, True),
        (Status.COMPLETED, {"output_file_id": "file-out"}, False),
        (Status.COMPLETED, {"rows_completed": 0}, False),
        (Status.COMPLETED, {"rows_completed": None}, False),
        (Status.COMPLETED, {"writes_files": 0}, False),
        (Status.FAILED, {}, False),
        (Status.RUNNING, {}, False),
    ],
)
def test_awaits_file_id(status: Status, columns: dict[str, Any], awaited: bool) -> None:
    """A file's name is awaited where rows of a completed job succeeded and the provider writes files."""
    assert awaits_file_id(facts(job(status, **{"rows_completed": 9, **columns}))) is awaited


@pytest.mark.parametrize(
    ("outputs", "awaited"),
    [((), False), ((output(state=NAMED),), False), ((output(state=NAMED, checks=1),), True), ((output(),), False)],
)
def test_awaits_file(outputs: tuple[OutputRow, ...], awaited: bool) -> None:
    """A named file is awaited once it was looked for in vain, until it is found or given up."""
    assert awaits_file(facts(job(Status.COMPLETED), outputs=outputs)) is awaited
    assert not awaits_file(facts(job(Status.COMPLETED), outputs=(output(state=UNREADABLE),)))


# --- settled ----------------------------------------------------------------------------------------------------------


def settled_conditions(about: Facts, now: int = NOW) -> list[str]:
    return [missing.condition for missing in missing_for_settled(about, reckon(about, now), now)]


def test_settled() -> None:
    """A ready job is settled when everything that was expected has come, or will not."""
    row = job(Status.COMPLETED, ended_at=ENDED)
    wanted = {"expectations": (expected("batch.created"), expected())}
    assert settled_conditions(facts(row)) == []
    about = facts(row, expectations=(expected(),))
    assert missing_for_settled(about, reckon(about, NOW), NOW) == (Missing("batch.completed may still come", ENDED),)
    assert settled_conditions(facts(row, **wanted)) == [
        "batch.created may still come",
        "batch.completed may still come",
    ]
    assert settled_conditions(facts(row, deliveries=(delivery(),), **wanted)) == ["batch.created may still come"]
    assert settled_conditions(facts(row, expectations=(Suppressed("batch.completed", "never sent"),))) == []
    over = ENDED + TERMS.delivery_window
    assert settled_conditions(facts(job(Status.COMPLETED, ended_at=ENDED, answered_at=over), **wanted), over) == []


def test_not_settled_before_ready() -> None:
    """What keeps a job from being ready keeps it from being settled, beside what is late."""
    about = facts(job(Status.COMPLETED, output_file_id="file-out"), expectations=(expected(),))
    assert settled_conditions(about) == ["file file-out has not been found yet", "batch.completed may still come"]


@thoroughly
@given(all_facts, moments)
def test_total(about: Facts, now: int) -> None:
    """Every job can be told what it waits for; ready takes an end, and settled takes ready."""
    ready, settled = missing_for_ready(about, now), missing_for_settled(about, reckon(about, now), now)
    assert ready == missing_for_ready(about, now)
    assert set(ready) <= set(settled)
    if not ready:
        assert Status(about.job.status).is_terminal
        assert about.job.match_due_at is None or match_due(about, now) is None
