"""Judge: the design's table, row by row, for every pair of statuses."""

from itertools import permutations

import pytest
from factories import ENDS, OPEN_STATUSES, inferred, job, jobs, thoroughly
from hypothesis import given
from hypothesis import strategies as st

from reconciler.judge import Judgement, judge
from schemas.readings import Report
from schemas.words import Status, Verdict

AGREES, WANTED = Judgement(Verdict.AGREES), Judgement(Verdict.DISAGREES, wanted=True)
THIN = Report(event_type="batch.completed")


def saying(status: Status | None) -> Report:
    return Report(status=status)


@pytest.mark.parametrize("status", [None, *Status])
def test_no_such_job(status: Status | None) -> None:
    """Whatever is said of a job that we do not know, the job may be adopted and there is nobody to ask about yet."""
    assert judge(None, saying(status)) == Judgement(Verdict.UNKNOWN_JOB, adopt=True)


@pytest.mark.parametrize("known", OPEN_STATUSES)
@pytest.mark.parametrize("said", OPEN_STATUSES)
def test_open_and_open(known: Status, said: Status) -> None:
    """Open states are not ordered: whichever is reported of an open job, it agrees, and nobody is asked."""
    assert judge(job(known), saying(said)) == AGREES


@pytest.mark.parametrize("known", OPEN_STATUSES)
@pytest.mark.parametrize("said", ENDS)
def test_open_and_terminal(known: Status, said: Status) -> None:
    """A reported end of a job that we think open is asked about at once."""
    assert judge(job(known), saying(said)) == WANTED


@pytest.mark.parametrize("known", OPEN_STATUSES)
def test_open_and_nothing(known: Status) -> None:
    """A report without a status, such as a thin event or an unknown word, may mean anything: we ask."""
    assert judge(job(known), THIN) == WANTED


@pytest.mark.parametrize("end", ENDS)
def test_ended_and_the_same(end: Status) -> None:
    """The news of an end that we have seen agrees and changes nothing."""
    assert judge(job(end), saying(end)) == AGREES


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("said", [None, *OPEN_STATUSES])
def test_ended_and_open_or_nothing(end: Status, said: Status | None) -> None:
    """What speaks of a time before the end that we have seen is stale, and makes nobody ask."""
    assert judge(job(end), saying(said)) == Judgement(Verdict.STALE)


@pytest.mark.parametrize(("end", "said"), tuple(permutations(ENDS, 2)))
def test_ended_and_another_end(end: Status, said: Status) -> None:
    """Two different ends are a conflict, which is asked about once more."""
    assert judge(job(end), saying(said)) == Judgement(Verdict.CONFLICT, wanted=True)


@pytest.mark.parametrize("said", [None, *Status])
def test_inferred_and_anything(said: Status | None) -> None:
    """Any news of a job whose end we only inferred disagrees with it, even news of that very end: we ask."""
    assert judge(inferred(), saying(said)) == WANTED


@pytest.mark.parametrize(
    "known", [None, job(), job(Status.COMPLETED), inferred()], ids=["none", "open", "ended", "inf"]
)
def test_unreadable(known: object) -> None:
    """A report that the strict parser refuses has no effect on anything."""
    assert judge(known, None) == Judgement(Verdict.UNREADABLE)  # type: ignore[arg-type]


def test_name_says_nothing() -> None:
    """The status comes from the body: an expired job announced as `batch.failed` is told as expired."""
    report = Report(event_type="batch.failed", status=Status.EXPIRED)
    assert judge(job(Status.EXPIRED), report).verdict is Verdict.AGREES
    assert judge(job(Status.FAILED), report).verdict is Verdict.CONFLICT


@thoroughly
@given(
    st.one_of(st.none(), jobs),
    st.one_of(st.none(), st.builds(Report, status=st.one_of(st.none(), st.sampled_from(Status)))),
)
def test_total(known: object, report: Report | None) -> None:
    """Every pair has a verdict, the same each time; it asks just where it disagrees, and adopts only the unknown."""
    judgement = judge(known, report)  # type: ignore[arg-type]
    assert judgement == judge(known, report)  # type: ignore[arg-type]
    assert judgement.wanted == (judgement.verdict in (Verdict.DISAGREES, Verdict.CONFLICT))
    assert judgement.adopt == (judgement.verdict is Verdict.UNKNOWN_JOB)


def test_strongest() -> None:
    """What a delivery shows of its receipts: trouble before harmony, news before old, the readable before the rest."""
    order = ["unreadable", "unknown_job", "stale", "agrees", "disagrees", "conflict"]
    assert sorted(Verdict, key=lambda verdict: verdict.strength) == order
    assert len({verdict.strength for verdict in Verdict}) == len(Verdict)
