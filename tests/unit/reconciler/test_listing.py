"""The list before single polls: when it goes first, whom it may put off and for how long, and that it ends nobody."""

from typing import Any

import pytest
from factories import NOW, PACE, RULES, answer, answers, completed, job, jobs, maybe, moments, paces, thoroughly
from hypothesis import given
from hypothesis import strategies as st

from reconciler.listing import AHEAD, LONGEST_PAUSE, PAUSE, Choice, Listing, Word, choose, hear, may_be_put_off
from reconciler.pace import Circumstances
from schemas.readings import Observation
from schemas.tables import JobRow
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import TERMINAL, Status

TRUST = 10 * MINUTE
LISTED = frozenset({"batch"})
SENT = NOW - SECOND


def due(number: int = 1, ago: int = SECOND, **columns: Any) -> JobRow:
    """A running job whose own last answer is half a minute old, and that is due."""
    plain = {"id": number, "job_id": f"batch_{number}", "due_at": NOW - ago}
    return job(**{**plain, "asked_at": NOW - 30 * SECOND, "answered_at": NOW - 30 * SECOND, **columns})


def several(many: int = 3, **columns: Any) -> list[JobRow]:
    return [due(number, **columns) for number in range(1, many + 1)]


def told(
    row: JobRow, seen: Observation | None = None, sent_at: int = SENT, jitter: float = 0.5, now: int = NOW
) -> Word:
    return hear(row, seen or answer(), sent_at, Circumstances(), PACE, RULES, TRUST, jitter, now)


# --- whether the list goes first --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("many", "asks"), [(0, False), (2, False), (3, True), (100, True)])
def test_several(many: int, asks: bool) -> None:
    """With three jobs due that it may put off the list goes first, and they wait for it; with fewer they are asked about."""
    choice = choose(several(many), LISTED, Listing(), in_flight=False, trust=TRUST, now=NOW)

    assert (choice.ask_list, len(choice.singly)) == (asks, 0 if asks else many)


def test_one_is_due_and_others_will_be() -> None:
    """Who falls due within a minute counts as well, but makes nobody ask before one is due, and is not asked about itself."""
    soon = [due(number, ago=-number * SECOND) for number in (1, 2, 30)]
    choice = choose([due(4), *soon], LISTED, Listing(), False, TRUST, NOW)

    assert (choice.ask_list, choice.singly) == (True, [])
    assert choose(soon, LISTED, Listing(), False, TRUST, NOW) == Choice(False, [])
    assert [row.id for row in choose([due(4), *soon[:1]], LISTED, Listing(), False, TRUST, NOW).singly] == [4]


def test_a_kind_that_no_list_shows() -> None:
    """Videos are on no list: they make nobody ask for one, and wait for none."""
    rows = several(5, kind="video")

    for in_flight in (False, True):
        assert choose(rows, LISTED, Listing(), in_flight, TRUST, NOW) == Choice(False, rows)
    assert choose([*rows, *several(2)], LISTED, Listing(), False, TRUST, NOW).ask_list is False


NOT_COVERED = {
    "never asked": {"status": "unknown", "answered_at": None},
    "no own answer": {"answered_at": None},
    "own answer too old": {"answered_at": NOW - TRUST},
    "own answer from the future": {"answered_at": NOW + SECOND},
    "wanted": {"wanted_at": NOW - MINUTE},
    "claimed": {"claimed_at": NOW - MINUTE, "claim_asks": 2},
    "questions that failed": {"failed_asks": 1},
    "denied": {"denials": 1},
    "ended": {"status": "completed"},
}


@pytest.mark.parametrize("columns", NOT_COVERED.values(), ids=NOT_COVERED)
def test_not_covered(columns: dict[str, Any]) -> None:
    """A job that the list could not put off is asked about itself, also while a list is in flight, and makes nobody ask one."""
    rows = several(5, **columns)

    for in_flight in (False, True):
        choice = choose(rows, LISTED, Listing(), in_flight, TRUST, NOW)
        assert (choice.ask_list, choice.singly) == (False, rows)
    assert told(rows[0]).changes.keys() <= {"progress"}


def test_those_who_wait() -> None:
    """While the list is in flight only those that it may put off wait for it."""
    rows = [*several(2), due(3, wanted_at=NOW), due(4, answered_at=NOW - TRUST)]

    assert [row.id for row in choose(rows, LISTED, Listing(), True, TRUST, NOW).singly] == [3, 4]


def test_passed_over() -> None:
    """A job that was due when the last list was asked, and was not on it, is asked about itself."""
    rows = [*several(3, ago=5 * SECOND), *several(2, ago=SECOND)]
    choice = choose(rows, LISTED, Listing(sent_at=NOW - 2 * SECOND), False, TRUST, NOW)

    assert (choice.ask_list, choice.singly) == (False, rows)


def test_without_trust() -> None:
    """With a trust of nothing the list is never asked."""
    assert choose(several(50), LISTED, Listing(), False, 0, NOW).ask_list is False


def test_pause() -> None:
    """Between two lists there is a pause, in which the due ones are asked about singly."""
    listing = Listing().after(NOW - MINUTE, 3, NOW)

    assert not choose(several(), LISTED, listing, False, TRUST, NOW + PAUSE - 1).ask_list
    assert choose(several(), LISTED, listing, False, TRUST, NOW + PAUSE).ask_list


def test_pause_of_the_provider() -> None:
    """A provider that wants a longer pause has it, until the pauses that grow while lists are in vain are longer still."""
    assert Listing().after(NOW, 3, NOW, MINUTE).again_at == NOW + MINUTE
    assert Listing(in_vain=4).after(NOW, 0, NOW, MINUTE).again_at == NOW + 160 * SECOND


def test_in_vain() -> None:
    """A list that fails, or spares us too little, is asked again later each time, up to five minutes; one that helps, soon."""
    listing, waits = Listing(), []
    for number in range(9):
        listing = listing.failed(None, NOW) if number % 2 else listing.after(NOW, 2, NOW)
        waits.append((listing.again_at - NOW) // SECOND)

    assert waits == [10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert listing.after(NOW, 3, NOW).again_at == NOW + PAUSE


@pytest.mark.parametrize(("wish", "wait"), [(None, 10), (-5, 10), (60 * SECOND, 60), (1 << 62, 900)])
def test_wish_to_wait(wish: int | None, wait: int) -> None:
    """A list's Retry-After is obeyed, up to a quarter of an hour."""
    assert Listing().failed(wish, NOW).again_at == NOW + wait * SECOND


def test_refused() -> None:
    """A list that is refused as such is not asked for again within the hour; jobs are asked about one by one meanwhile."""
    listing, rows = Listing().refused(NOW), several()

    assert not choose(rows, LISTED, listing, False, TRUST, NOW + HOUR - 1).ask_list
    assert choose(rows, LISTED, listing, False, TRUST, NOW + HOUR - 1).singly == rows
    assert listing.again_at == NOW + HOUR


def test_hoped() -> None:
    """The list is asked in the hope that it shows those who wait for it, and nobody else."""
    rows = [*several(3), due(4, ago=-SECOND), due(5, wanted_at=NOW), due(6, ago=-SECOND, answered_at=NOW - TRUST)]
    choice = choose(rows, LISTED, Listing(), False, TRUST, NOW)

    assert choice.hoped == {("batch", f"batch_{number}") for number in (1, 2, 3, 4)}
    assert choose(rows, LISTED, Listing(), True, TRUST, NOW).hoped == frozenset()


# --- what its word does -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "asks", "wait"),
    [
        (30, 1, 30),  # its interval, as after an answer of its own
        (240, 1, 240),  # as long again as its own answer is old
        (240, 4, 240),
        (30, 5, 480),
        (30, 6, 525),  # 900 s by its pace; its own answer, at 92.5 % of the trust, is older then than we may trust
        (400, 1, 155),
        (599, 1, None),
    ],
)
def test_put_off(age: int, asks: int, wait: int | None) -> None:
    """A job that the list shows open is put off by its pace, and never past what its own answer's age allows."""
    answered_at = NOW - age * SECOND
    word = told(due(answered_at=answered_at, asked_at=answered_at, asks=asks))

    assert word.changes.get("due_at") == (None if wait is None else NOW + wait * SECOND)
    assert word.spares == (wait is not None)


@thoroughly
@given(jobs, answers, moments, st.integers(0, HOUR), st.floats(0, 1), paces)
def test_never_beyond(row: JobRow, seen: Any, sent_at: int, trust: int, jitter: float, pace: Any) -> None:
    """Whatever a list says: nobody ends, nobody is put off past trust or cap, and only the plainly open wait."""
    if not isinstance(seen, Observation):
        return
    word = hear(row, seen, sent_at, Circumstances(), pace, RULES, trust, jitter, NOW)

    assert not {"status", "basis", "revision", "ended_at", "answered_at", "asks"} & word.changes.keys()
    if word.spares:
        assert may_be_put_off(row, trust, NOW)
        assert seen.status not in TERMINAL
        assert NOW < word.changes["due_at"] <= min((row.answered_at or 0) + trust, NOW + int(pace.cap * 1.15) + 1)
    if word.claims_end:
        assert seen.status in TERMINAL
        assert word.changes["due_at"] == NOW


@pytest.mark.parametrize(("ahead", "moves"), [(0, True), (AHEAD, True), (AHEAD + 1, False), (HOUR, False)])
def test_nearly_due(ahead: int, moves: bool) -> None:
    """A job that falls due before long is put off by the same word; the others stay as they are."""
    assert ("due_at" in told(due(ago=-ahead, answered_at=NOW - 5 * MINUTE)).changes) == moves


def test_never_sooner() -> None:
    """To be shown open brings nobody's turn forward."""
    word = told(due(ago=-9 * SECOND, answered_at=NOW - 595 * SECOND, asked_at=NOW - 595 * SECOND))

    assert "due_at" not in word.changes


@pytest.mark.parametrize("end", sorted(TERMINAL))
def test_an_end(end: Status) -> None:
    """A job that the list shows ended is wanted, asked about at once, and open until its own answer says so."""
    word = told(due(ago=-HOUR), completed(status=end))

    assert word.claims_end
    claim = {"wanted_status": end.value, "claimed_at": NOW, "claimed_by": "list"}
    assert word.changes == {"wanted_at": NOW, "due_at": NOW, **claim}


def test_an_end_said_again() -> None:
    """An end that is claimed already and being asked about is not claimed anew by each list; another end is."""
    claimed = due(claimed_at=NOW - MINUTE, claim_asks=3, wanted_status="completed")

    assert told(claimed, completed()).changes == {}
    assert told(claimed, completed(status=Status.FAILED)).claims_end


@pytest.mark.parametrize("seen", [answer(progress=50), completed()])
@pytest.mark.parametrize("asked_at", [SENT, SENT + 1])
def test_overtaken(seen: Observation, asked_at: int) -> None:
    """A list that was asked for no later than the job itself says nothing about it."""
    assert told(due(asked_at=asked_at, answered_at=NOW), seen).changes == {}


def test_wanted_meanwhile() -> None:
    """News that came while the list was on its way is not waved aside by it."""
    assert "due_at" not in told(due(wanted_at=SENT + 1, wanted_status="completed")).changes


def test_progress() -> None:
    """Progress is shown as the list tells it, for whoever is open."""
    assert told(due(ago=-HOUR, progress=10), answer(progress=40)).changes == {"progress": 40}
    assert told(due(ago=-HOUR, progress=40), answer(progress=40)).changes == {}
    assert told(job(Status.COMPLETED, progress=100), answer(progress=40)).changes == {}


@thoroughly
@given(st.lists(jobs, max_size=8), moments, maybe(moments), st.booleans(), st.integers(0, HOUR))
def test_nobody_is_forgotten(
    rows: list[JobRow], sent_at: int, again_at: int | None, in_flight: bool, trust: int
) -> None:
    """Each due job is asked about singly, or waits for a list that is in flight or asked now; wanted ones never wait."""
    for number, row in enumerate(rows):
        row.id = number
    choice = choose(rows, LISTED, Listing(sent_at, again_at or 0), in_flight, trust, NOW)
    singly = {row.id for row in choice.singly}

    assert len(singly) == len(choice.singly)
    is_due = {row.id for row in rows if row.due_at is not None and row.due_at <= NOW}
    assert singly <= is_due
    assert in_flight or choice.ask_list or singly == is_due
    assert all(row.id in singly for row in rows if row.wanted_at is not None and row.id in is_due)
    assert not (in_flight and choice.ask_list)


def test_longest_pause() -> None:
    """Even after a thousand lists in vain the next is within five minutes."""
    listing = Listing()
    for _ in range(1000):
        listing = listing.after(NOW, 0, NOW)
    assert listing.again_at == NOW + LONGEST_PAUSE
