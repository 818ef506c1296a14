"""Apply: the design's table, row by row; evidence that is not lost; claims; denials; trouble of our own."""

from itertools import permutations
from typing import Any

import pytest
from factories import (
    DENIED,
    ENDS,
    NOW,
    OPEN_STATUSES,
    PACE,
    RULES,
    answer,
    answers,
    changed,
    completed,
    inferred,
    job,
    jobs,
    moments,
    thoroughly,
    troubled,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply import OPEN_AFTER_END, Applied, Move, Rules, apply, claimed, in_trouble
from reconciler.pace import Circumstances, next_ask
from schemas.readings import Billing, Denied, NotFoundRule, Observation, RowCounts, Troubled
from schemas.tables import JobRow
from schemas.times import DAY, HOUR, MINUTE, SECOND
from schemas.words import Asked, Basis, Status, Trouble

DECISIVE = (Asked.POLL, Asked.CANCEL, Asked.SUBMIT)
INDICATIVE = (Asked.LIST, Asked.SOCKET)
NO_TROUBLE = {"trouble": None, "trouble_message": None, "trouble_since": None}
NO_EVIDENCE = {"wanted_at": None, "wanted_status": None, "claimed_at": None, "claim_asks": 0}


def poll(row: JobRow, said: Observation | Denied | Troubled, sent_at: int = NOW - SECOND, now: int = NOW) -> Applied:
    return apply(row, Asked.POLL, sent_at, said, RULES, now)


def shown(row: JobRow, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


# --- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", DECISIVE)
@pytest.mark.parametrize("known", OPEN_STATUSES)
@pytest.mark.parametrize("said", OPEN_STATUSES[1:])
def test_open_and_open(asked: Asked, known: Status, said: Status) -> None:
    """An open job is as the provider says, forwards or backwards; only a change of status is a transition."""
    row = job(known)
    applied = apply(row, asked, NOW - SECOND, answer(said, progress=40), RULES, NOW)
    assert applied.move == (None if said is known else Move(said, None, revision=0))
    after = changed(row, applied)
    assert shown(after, "status", "progress", "basis", "revision", "ended_at") == {
        "status": said,
        "progress": 40,
        "basis": None,
        "revision": 0,
        "ended_at": None,
    }
    assert shown(after, "asked_at", "answered_at", "asks") == {
        "asked_at": NOW - SECOND,
        "answered_at": NOW,
        "asks": row.asks + 1,
    }


@pytest.mark.parametrize("asked", DECISIVE)
@pytest.mark.parametrize("known", OPEN_STATUSES)
@pytest.mark.parametrize("said", ENDS)
def test_open_and_terminal(asked: Asked, known: Status, said: Status) -> None:
    """A decisive answer ends an open job: a transition, observed, with the first revision."""
    row = job(known)
    applied = apply(row, asked, NOW - SECOND, answer(said, ended_at=NOW - MINUTE), RULES, NOW)
    assert applied.move == Move(said, Basis.OBSERVED, revision=1)
    assert applied.flag is None
    assert shown(changed(row, applied), "status", "basis", "revision", "ended_at", "provider_ended_at") == {
        "status": said,
        "basis": Basis.OBSERVED,
        "revision": 1,
        "ended_at": NOW,
        "provider_ended_at": NOW - MINUTE,
    }


MOVES = (
    "status",
    "basis",
    "revision",
    "ended_at",
    "ready_at",
    "settled_at",
    "output_file_id",
    "rows_failed",
    "progress",
)


@pytest.mark.parametrize("known", ENDS)
@pytest.mark.parametrize("said", OPEN_STATUSES)
def test_observed_and_open(known: Status, said: Status) -> None:
    """An ended job that is said to be open again is flagged, and nothing of it moves."""
    row = job(known, ready_at=NOW - 5, settled_at=NOW - 4, output_file_id="file-out", rows_failed=2, progress=100)
    applied = poll(row, answer(said, progress=3))
    assert (applied.move, applied.flag) == (None, OPEN_AFTER_END)
    assert shown(changed(row, applied), *MOVES) == shown(row, *MOVES)


@pytest.mark.parametrize("known", ENDS)
def test_observed_and_the_same(known: Status) -> None:
    """The same end again is no transition; what it tells of files and rows is taken over, and it stays handed on."""
    row = job(known, ready_at=NOW - 5, settled_at=NOW - 4, ended_at=NOW - HOUR)
    applied = poll(row, completed(failed=3, status=known))
    assert (applied.move, applied.flag) == (None, None)
    after = changed(row, applied)
    assert (after.output_file_id, after.error_file_id, after.rows_failed) == ("file-out", "file-err", 3)
    kept = ("status", "basis", "revision", "ended_at", "ready_at", "settled_at")
    assert shown(after, *kept) == shown(row, *kept)


@pytest.mark.parametrize(("known", "said"), tuple(permutations(ENDS, 2)))
def test_observed_and_another_end(known: Status, said: Status) -> None:
    """Another end is a new revision, which has to become ready and to be handed on anew."""
    row = job(known, ready_at=NOW - 5, settled_at=NOW - 4)
    applied = poll(row, answer(said))
    assert applied.move == Move(said, Basis.OBSERVED, revision=2)
    assert shown(changed(row, applied), "status", "revision", "ended_at", "ready_at", "settled_at") == {
        "status": said,
        "revision": 2,
        "ended_at": NOW,
        "ready_at": None,
        "settled_at": None,
    }


@pytest.mark.parametrize("said", ENDS)
def test_inferred_and_an_end(said: Status) -> None:
    """An observed end replaces an inferred one, even the same one, as a transition; and asking is no longer in trouble."""
    row = inferred()
    applied = poll(row, answer(said))
    assert applied.move == Move(said, Basis.OBSERVED, revision=2)
    after = changed(row, applied)
    assert (after.status, after.basis, after.denials, after.trouble) == (said, Basis.OBSERVED, 0, None)


@pytest.mark.parametrize("said", OPEN_STATUSES[1:])
def test_inferred_and_open(said: Status) -> None:
    """A job that was taken for ended and is alive after all goes on. That is no new end, so the revision stays."""
    row = inferred()
    applied = poll(row, answer(said))
    assert applied.move == Move(said, None, revision=1)
    assert shown(changed(row, applied), "status", "basis", "revision", "ended_at", "denials", "denied_since") == {
        "status": said,
        "basis": None,
        "revision": 1,
        "ended_at": None,
        "denials": 0,
        "denied_since": None,
    }
    again = changed(changed(row, applied), poll(changed(row, applied), answer(Status.COMPLETED)))
    assert (again.status, again.revision) == (Status.COMPLETED, 2)


# --- indicative answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", INDICATIVE)
@pytest.mark.parametrize("known", OPEN_STATUSES)
@pytest.mark.parametrize("said", ENDS)
def test_indicated_end(asked: Asked, known: Status, said: Status) -> None:
    """A list or a socket that tells of an end makes us ask at once, and ends nothing."""
    row = job(known)
    applied = apply(row, asked, NOW - SECOND, answer(said), RULES, NOW)
    assert applied.move is None
    claim = {"wanted_status": said, "claimed_at": NOW, "claimed_by": asked}
    assert applied.changes == {"wanted_at": NOW, "due_at": NOW, **claim}


@pytest.mark.parametrize("asked", INDICATIVE)
@pytest.mark.parametrize("said", OPEN_STATUSES)
def test_indicated_progress(asked: Asked, said: Status) -> None:
    """A list or a socket that tells of progress is shown, and no more: not even the open status is taken from it, nor the
    provider's word for it."""
    assert apply(job(), asked, NOW, answer(said, progress=70), RULES, NOW) == Applied({"progress": 70})
    assert apply(job(), asked, NOW, answer(said), RULES, NOW) == Applied()


@pytest.mark.parametrize("asked", INDICATIVE)
def test_indicated_rows(asked: Asked) -> None:
    """How many rows are done is shown, too, as far as it is told and is news."""
    row = job(rows_total=10, rows_completed=3)
    told = answer(counts=RowCounts(10, 4, 0))
    assert apply(row, asked, NOW, told, RULES, NOW) == Applied({"rows_completed": 4, "rows_failed": 0})
    assert apply(row, asked, NOW, answer(counts=RowCounts(None, 3, None)), RULES, NOW) == Applied()


@pytest.mark.parametrize("asked", INDICATIVE)
def test_indicated_place(asked: Asked) -> None:
    """Where a job can be asked about is taken from a list or a socket only while nobody has said it."""
    told = answer(polling_url="/there")
    assert apply(job(), asked, NOW, told, RULES, NOW) == Applied({"polling_url": "/there"})
    assert apply(job(polling_url="/here"), asked, NOW, told, RULES, NOW) == Applied()


@pytest.mark.parametrize("asked", INDICATIVE)
def test_indicated_too_late(asked: Asked) -> None:
    """A word that is not younger than the job's own last question changes nothing."""
    row = job(asked_at=NOW)
    for said in (answer(progress=70, counts=RowCounts(10, 7, 0)), answer(Status.FAILED), DENIED):
        assert apply(row, asked, NOW, said, RULES, NOW) == Applied()
        assert apply(row, asked, NOW + 1, said, RULES, NOW + 1) != Applied()


@pytest.mark.parametrize("asked", INDICATIVE)
@pytest.mark.parametrize("said", Status)
def test_indicated_after_end(asked: Asked, said: Status) -> None:
    """An ended job takes nothing from a list or a socket."""
    assert apply(job(Status.COMPLETED), asked, NOW, answer(said), RULES, NOW) == Applied()


@pytest.mark.parametrize("asked", INDICATIVE)
def test_indicated_denial(asked: Asked) -> None:
    """A socket that says that the job is gone makes us ask, and counts for no denial of the job's own."""
    wanted = {"wanted_at": NOW, "wanted_status": None, "due_at": NOW}
    assert apply(job(), asked, NOW, DENIED, RULES, NOW) == Applied(wanted)


@pytest.mark.parametrize("asked", INDICATIVE)
@pytest.mark.parametrize("columns", [{"denials": 1, "denied_since": NOW - DAY}, {"wanted_at": NOW - SECOND}])
def test_indicated_denial_of_what_is_asked_about(asked: Asked, columns: dict[str, Any]) -> None:
    """What is denied already, or wanted, is asked about at a pace that has its reasons."""
    assert apply(job(**columns), asked, NOW, DENIED, RULES, NOW) == Applied()


@pytest.mark.parametrize("asked", INDICATIVE)
def test_indicated_trouble(asked: Asked) -> None:
    """A list or a socket in trouble is no trouble of the job."""
    assert apply(job(denials=99, denied_since=NOW - 9 * DAY), asked, NOW, troubled(), RULES, NOW) == Applied()


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_evidence_makes_due() -> None:
    """A reported end is wanted and due now, and remembered as a claim; a thin event is wanted without one."""
    assert claimed(job(), Status.FAILED, NOW) == {
        "wanted_at": NOW,
        "due_at": NOW,
        "wanted_status": "failed",
        "claimed_at": NOW,
        "claimed_by": "webhook",
    }
    assert claimed(job(), None, NOW) == {"wanted_at": NOW, "due_at": NOW, "wanted_status": None}


@pytest.mark.parametrize("status", [None, Status.RUNNING])
def test_claim_outlives_thin_evidence(status: Status | None) -> None:
    """What claims no end makes us ask again, and leaves a claimed end as it was claimed."""
    row = changed(job(), claimed(job(), Status.COMPLETED, NOW - MINUTE))
    after = changed(row, claimed(row, status, NOW))
    assert (after.wanted_at, after.wanted_status, after.claimed_at) == (NOW, "completed", NOW - MINUTE)


def test_claim_repeated() -> None:
    """A claim that is repeated is as old as when it was first made; the end last claimed is the one that counts."""
    row = changed(job(), claimed(job(), Status.COMPLETED, NOW - MINUTE))
    after = changed(row, claimed(row, Status.FAILED, NOW))
    assert (after.wanted_at, after.wanted_status, after.claimed_at) == (NOW, "failed", NOW - MINUTE)


WANTED_AT = NOW - 10 * SECOND
CLAIM = {"wanted_at": WANTED_AT, "wanted_status": "completed", "claimed_at": WANTED_AT, "claim_asks": 0}
THIN = {"wanted_at": WANTED_AT, "wanted_status": None}
BEFORE, AT, AFTER = WANTED_AT - 1, WANTED_AT, WANTED_AT + 1
ASKED_ABOUT = {**CLAIM, "wanted_at": None, "claim_asks": 1}


@pytest.mark.parametrize(
    ("evidence", "sent_at", "said", "left"),
    [
        (CLAIM, BEFORE, Status.RUNNING, CLAIM),  # the question was under way: its answer may be older than the news
        (CLAIM, AT, Status.RUNNING, CLAIM),
        (CLAIM, AFTER, Status.RUNNING, ASKED_ABOUT),
        (CLAIM, BEFORE, Status.COMPLETED, NO_EVIDENCE),  # our own GET may be what made the provider send it
        (CLAIM, AT, Status.COMPLETED, NO_EVIDENCE),
        (CLAIM, AFTER, Status.COMPLETED, NO_EVIDENCE),
        (CLAIM, BEFORE, Status.FAILED, CLAIM),  # another end than the claimed one
        (CLAIM, AT, Status.FAILED, CLAIM),
        (CLAIM, AFTER, Status.FAILED, NO_EVIDENCE),
        (THIN, BEFORE, Status.RUNNING, THIN),
        (THIN, BEFORE, Status.COMPLETED, THIN),
        (THIN, AFTER, Status.RUNNING, {"wanted_at": None, "wanted_status": None}),
        (THIN, AFTER, Status.COMPLETED, NO_EVIDENCE),
        (ASKED_ABOUT, AFTER, Status.RUNNING, {**ASKED_ABOUT, "claim_asks": 2}),
        (ASKED_ABOUT, BEFORE, Status.COMPLETED, NO_EVIDENCE),
    ],
)
def test_evidence_in_flight(evidence: dict[str, Any], sent_at: int, said: Status, left: dict[str, Any]) -> None:
    """Only a question sent after the evidence, or an answer that confirms it, settles it."""
    after = changed(job(**evidence), poll(job(**evidence), answer(said), sent_at))
    assert shown(after, *left) == left


@pytest.mark.parametrize("said", [answer(), answer(Status.COMPLETED), DENIED, troubled(), troubled(about_source=True)])
def test_unsettled_evidence_is_asked_about(said: Observation | Denied | Troubled) -> None:
    """Whatever comes back of a question that left before the evidence, the evidence still wants one."""
    row = job(**THIN)
    after = changed(row, poll(row, said, BEFORE))
    assert after.wanted_at == WANTED_AT
    assert next_ask(after, Circumstances(), PACE, 0.5, NOW) is not None


@pytest.mark.parametrize("said", [answer(), DENIED])
def test_clock_set_back(said: Observation | Denied) -> None:
    """Evidence from the future, after the clock was set back, waits for the next question and not for the clock."""
    row = job(wanted_at=NOW + HOUR)
    row = changed(row, poll(row, said, NOW - SECOND))
    assert row.wanted_at == NOW
    row = changed(row, poll(row, said, NOW + 1, NOW + SECOND))
    assert row.wanted_at is None


def test_denial_settles_what_it_was_asked_for() -> None:
    """A denial to a question sent after the evidence answers it; a claimed end stays a claim."""
    row = job(**CLAIM)
    assert shown(changed(row, poll(row, DENIED, AFTER)), *CLAIM) == {**CLAIM, "wanted_at": None}


# --- a claimed end that is not confirmed ------------------------------------------------------------------------------


def test_claim_steps() -> None:
    """After a claim we ask at once, and 5, 10, 20 and 40 s after each answer that says open; then by routine."""
    now, waits = NOW, []
    row = job(asks=3, **claimed(job(), Status.COMPLETED, now))
    about = Circumstances(webhook_expected=True)
    for _ in range(6):
        due = next_ask(row, about, PACE, 0.5, now)
        assert due is not None
        waits.append((due - now) // SECOND)
        now = due + SECOND
        row = changed(row, poll(row, answer(), due + 1, now))
    assert waits == [0, 5, 10, 20, 40, 900]


def test_claim_becomes_trouble_and_is_cleared() -> None:
    """A claim that stays unconfirmed for a quarter of an hour is trouble, since then and naming it; confirmation ends it."""
    claimed_at = NOW - 15 * MINUTE
    row = job(claimed_at=claimed_at, wanted_status="completed", claim_asks=5)
    early = changed(row, poll(row, answer(), now=NOW - 1))
    assert early.trouble is None
    troubled_row = changed(row, poll(row, answer(), now=NOW))
    assert (troubled_row.trouble, troubled_row.trouble_since) == (Trouble.STILL_OPEN, NOW)
    assert "reported completed" in (troubled_row.trouble_message or "")
    later = changed(troubled_row, poll(troubled_row, answer(), NOW + MINUTE, NOW + 2 * MINUTE))
    assert (later.trouble, later.trouble_since) == (Trouble.STILL_OPEN, NOW)
    ended = changed(later, poll(later, answer(Status.COMPLETED), NOW + 3 * MINUTE, NOW + 3 * MINUTE))
    assert shown(ended, *NO_TROUBLE, *NO_EVIDENCE) == {**NO_TROUBLE, **NO_EVIDENCE}


def test_trouble_names_the_claim_after_thin_evidence() -> None:
    """An operator's wish to ask does not make us forget what was claimed."""
    row = job(claimed_at=NOW - HOUR, wanted_status="completed", claim_asks=7)
    row = changed(row, claimed(row, None, NOW))
    assert "reported completed" in changed(row, poll(row, answer(), NOW + 1, NOW + 2)).trouble_message  # type: ignore[operator]


@pytest.mark.parametrize("said", ENDS)
def test_claim_ends_with_any_end(said: Status) -> None:
    """Whatever end a question sent after the claim finds, the claim is dealt with."""
    row = job(claimed_at=NOW - HOUR, wanted_status="completed", claim_asks=7)
    assert shown(changed(row, poll(row, answer(said))), *NO_EVIDENCE) == NO_EVIDENCE


def test_conflict_is_asked_about_once() -> None:
    """A conflict about an ended job is settled by one answer that repeats the known end."""
    row = job(Status.COMPLETED)
    row = changed(row, claimed(row, Status.FAILED, NOW))
    assert next_ask(row, Circumstances(), PACE, 0.5, NOW) == NOW
    row = changed(row, poll(row, answer(Status.COMPLETED), NOW + 1, NOW + SECOND))
    assert (row.status, row.revision, row.wanted_at, row.claimed_at) == ("completed", 1, None, None)
    assert next_ask(row, Circumstances(), PACE, 0.5, NOW + SECOND) is None


# --- what is not lost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [Status.RUNNING, *ENDS])
@pytest.mark.parametrize("said", [Status.RUNNING, *ENDS])
def test_files_are_never_lost(known: Status, said: Status) -> None:
    """A later answer that names no file takes none away, whatever it says besides."""
    row = job(known, output_file_id="file-out", error_file_id="file-err", provider_created_at=5)
    after = changed(row, poll(row, answer(said)))
    assert (after.output_file_id, after.error_file_id, after.provider_created_at) == ("file-out", "file-err", 5)


def test_refreshing_takes_nothing_away() -> None:
    """The same end told once more in fewer words leaves the counts and the reason that were told before."""
    row = job(
        Status.FAILED, rows_total=9, rows_completed=0, rows_failed=9, error_code="bad", error_message="no such model"
    )
    after = changed(row, poll(row, answer(Status.FAILED)))
    told = ("rows_total", "rows_completed", "rows_failed", "error_code", "error_message", "native_status")
    assert shown(after, *told) == {**shown(row, *told), "native_status": "failed"}
    newer = changed(row, poll(row, answer(Status.FAILED, counts=RowCounts(9, 1, 8))))
    assert (newer.rows_completed, newer.rows_failed) == (1, 8)


def test_open_job_is_as_last_told() -> None:
    """Of an open job the newest answer counts, also where it knows less: a provider that validates again has no counts."""
    row = job(rows_total=9, rows_failed=1, progress=11, cancel_url="https://x/cancel")
    after = changed(row, poll(row, answer(Status.PENDING)))
    assert (after.rows_total, after.rows_failed, after.progress, after.cancel_url) == (None, None, None, None)


def test_a_total_is_not_lost_with_the_state_that_held_it() -> None:
    """Who still counts the rows that are done, and no longer how many there are, leaves the total as it was told."""
    row = job(rows_total=9, rows_completed=1)
    for status in (Status.RUNNING, Status.COMPLETED):
        after = changed(row, poll(row, answer(status, counts=RowCounts(None, 4, 0))))
        assert (after.rows_total, after.rows_completed) == (9, 4)


def test_where_else_to_ask_is_not_forgotten() -> None:
    """A polling URL stays where a later answer leaves it out; a newer one takes its place."""
    row = job(polling_url="/first")
    assert changed(row, poll(row, answer(Status.RUNNING))).polling_url == "/first"
    assert changed(row, poll(row, answer(Status.RUNNING, polling_url="/second"))).polling_url == "/second"


# --- denials ----------------------------------------------------------------------------------------------------------

RULE = RULES.not_found


@pytest.mark.parametrize(
    ("before", "since", "ends"),
    [
        (RULE.times - 1, NOW - RULE.over, True),  # often and long enough
        (RULE.times - 2, NOW - RULE.over, False),  # long, not often
        (RULE.times - 1, NOW - RULE.over + 1, False),  # often, not long
        (10_000, NOW - 1, False),
        (0, None, False),
        (10_000, NOW - 400 * DAY, True),
    ],
)
@pytest.mark.parametrize("known", OPEN_STATUSES)
def test_denied(known: Status, before: int, since: int | None, ends: bool) -> None:
    """A denied job is taken for ended when both have come about: so many denials in a row, over so long."""
    row = job(known, denials=before, denied_since=since)
    applied = poll(row, DENIED)
    assert applied.move == (Move(Status.FAILED, Basis.INFERRED, revision=1) if ends else None)
    after = changed(row, applied)
    assert (after.denials, after.denied_since) == (before + 1, since or NOW)
    assert (after.status, after.basis) == (("failed", "inferred") if ends else (known, None))
    assert (after.trouble, after.asks, after.failed_asks) == (Trouble.NOT_FOUND, row.asks + 1, 0)


def test_denied_by_another_rule() -> None:
    """How often, how long, and what the job then counts as, is the dialect's to say."""
    rules = Rules(NotFoundRule(times=1, over=0, becomes=Status.EXPIRED), claim_patience=MINUTE)
    assert apply(job(), Asked.POLL, NOW, DENIED, rules, NOW).move == Move(Status.EXPIRED, Basis.INFERRED, 1)


def test_denials_in_a_row() -> None:
    """An answer about the job begins the count anew; trouble on the way neither counts nor interrupts."""
    row = job(denials=4, denied_since=NOW - 2 * DAY)
    assert changed(row, poll(row, answer())).denials == 0
    for said in (troubled(), troubled(Trouble.UPSTREAM, http_status=404), troubled(about_source=True)):
        after = changed(row, poll(row, said))
        assert (after.denials, after.denied_since, after.status) == (4, NOW - 2 * DAY, "running")


@pytest.mark.parametrize("known", ENDS)
def test_denied_after_end(known: Status) -> None:
    """A provider that forgets a job whose end it told takes nothing back, and is no trouble."""
    row = job(known, trouble="timed_out", trouble_message="no answer", trouble_since=NOW - 5, failed_asks=3)
    for _ in range(9):
        applied = poll(row, DENIED, now=NOW + 9 * DAY)
        assert (applied.move, applied.flag) == (None, None)
        row = changed(row, applied)
    assert (row.status, row.basis, row.revision, row.denials, row.failed_asks) == (known, "observed", 1, 0, 0)
    assert shown(row, *NO_TROUBLE) == NO_TROUBLE


def test_denied_after_inferred_end() -> None:
    """A job that was taken for ended because it was denied stays so when it is denied again: no second revision."""
    row = inferred()
    applied = poll(row, DENIED)
    assert applied.move is None
    after = changed(row, applied)
    assert (after.status, after.revision, after.denials, after.trouble) == ("failed", 1, 6, Trouble.NOT_FOUND)


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("row", [job(), job(Status.UNKNOWN), job(Status.COMPLETED), inferred()])
def test_trouble_moves_nothing(row: JobRow, trouble: Trouble) -> None:
    """When the asking goes wrong the job is as before, with one failed question more and the reason."""
    applied = poll(row, troubled(trouble))
    assert applied.move is None
    assert set(applied.changes) == {"failed_asks", "trouble", "trouble_message", "trouble_since"}
    assert applied.changes["failed_asks"] == row.failed_asks + 1


@pytest.mark.parametrize("trouble", Trouble)
def test_trouble_about_source(trouble: Trouble) -> None:
    """Trouble with the source is not the job's: not one of its columns changes."""
    assert poll(job(failed_asks=2), troubled(trouble, about_source=True)) == Applied()


def test_trouble_since() -> None:
    """Trouble dates from when it began to be this trouble."""
    row = changed(job(), in_trouble(job(), Trouble.GATEWAY, "HTTP 500", NOW - HOUR))
    assert changed(row, poll(row, troubled(Trouble.GATEWAY))).trouble_since == NOW - HOUR
    assert changed(row, poll(row, troubled(Trouble.TIMED_OUT))).trouble_since == NOW


@pytest.mark.parametrize("said", [answer(), answer(Status.COMPLETED)])
def test_trouble_ends_with_an_answer(said: Observation) -> None:
    """An answer as it should be ends the trouble and the count of failed questions."""
    row = job(failed_asks=7, trouble="gateway", trouble_message="HTTP 500", trouble_since=NOW - HOUR)
    after = changed(row, poll(row, said))
    assert (after.failed_asks, after.trouble, after.trouble_message, after.trouble_since) == (0, None, None, None)


# --- totality ---------------------------------------------------------------------------------------------------------

rules = st.builds(
    Rules,
    st.builds(NotFoundRule, st.integers(1, 99), st.integers(0, 9 * DAY), st.sampled_from(ENDS)),
    st.integers(0, DAY),
)


@thoroughly
@given(jobs, st.sampled_from(Asked), moments, answers, rules, moments)
def test_total(row: JobRow, asked: Asked, sent_at: int, said: Any, rules: Rules, now: int) -> None:
    """Every answer to every question about any job has an outcome, the same each time, and leaves the row alone."""
    before = row.model_dump()
    applied = apply(row, asked, sent_at, said, rules, now)
    assert applied == apply(row, asked, sent_at, said, rules, now)
    assert row.model_dump() == before
    assert applied.changes.keys() <= before.keys()
    after = changed(row, applied)
    if applied.move is None:
        assert shown(after, "status", "basis", "revision", "ended_at") == shown(
            row, "status", "basis", "revision", "ended_at"
        )
    else:
        assert (after.status, after.revision) == (applied.move.to_status, applied.move.revision)
        assert asked.is_decisive
    assert after.revision - row.revision == int(applied.move is not None and applied.move.to_status.is_terminal)


@thoroughly
@given(jobs, st.sampled_from(Asked), moments, answers, rules, moments)
def test_ended_jobs_stay_ended(row: JobRow, asked: Asked, sent_at: int, said: Any, rules: Rules, now: int) -> None:
    """An observed end gives way to nothing but another end, told in a decisive answer."""
    row.basis = "observed"
    applied = apply(row, asked, sent_at, said, rules, now)
    if Status(row.status).is_terminal and applied.move is not None:
        assert isinstance(said, Observation)
        assert said.status.is_terminal
        assert said.status != row.status


@thoroughly
@given(jobs, st.sampled_from(DECISIVE), moments, answers, rules, moments)
def test_evidence_is_never_lost(row: JobRow, asked: Asked, sent_at: int, said: Any, rules: Rules, now: int) -> None:
    """Evidence newer than the question stays wanted, unless the answer says just what it said."""
    if row.wanted_at is None or sent_at > row.wanted_at:
        return
    after = changed(row, apply(row, asked, sent_at, said, rules, now))
    confirmed = isinstance(said, Observation) and said.status == row.wanted_status
    assert confirmed == (after.wanted_at is None)


@pytest.mark.parametrize(
    ("bill", "kept"),
    [
        (None, {}),
        (Billing(state="pending"), {}),
        (
            Billing("estimated", "usd", estimated_nanos=5),
            {"cost_nanos": 5, "cost_currency": "usd", "cost_state": "estimated"},
        ),
        (
            Billing("pending", "usd", estimated_nanos=5, held_nanos=6),
            {"cost_nanos": 6, "cost_currency": "usd", "cost_state": "pending"},
        ),
        (Billing("settled", "usd", 5, 6, 7), {"cost_nanos": 7, "cost_currency": "usd", "cost_state": "settled"}),
        (Billing("void", None, 5, None, 0), {"cost_nanos": 0, "cost_currency": None, "cost_state": "void"}),
    ],
)
@pytest.mark.parametrize(
    "row", [job(), job(Status.COMPLETED, cost_nanos=1, cost_currency="eur", cost_state="estimated")]
)
def test_cost(row: JobRow, bill: Billing | None, kept: dict[str, Any]) -> None:
    """What a job costs is the best sum that the bill has, with its currency and state; a bill without a sum changes nothing."""
    applied = apply(row, Asked.POLL, NOW, completed(billing=bill), RULES, NOW)
    assert {name: value for name, value in applied.changes.items() if name.startswith("cost_")} == kept
