"""The circuit of a source: when asking it is left alone for a while, and how it is tried again."""

from functools import reduce

import pytest
from factories import NOW, maybe, moments, thoroughly, troubled
from hypothesis import given
from hypothesis import strategies as st

from reconciler.circuit import FAILURES_TO_OPEN, FIRST_WAIT, LONGEST_WAIT, Circuit
from schemas.readings import Troubled
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import Trouble

ABOUT_THE_WAY = (Trouble.GATEWAY, Trouble.UNREACHABLE, Trouble.TIMED_OUT, Trouble.REDIRECTED)
FROM_BEHIND = (Trouble.UPSTREAM, Trouble.RATE_LIMITED)
OTHERS = tuple(trouble for trouble in Trouble if trouble not in (*ABOUT_THE_WAY, *FROM_BEHIND))
KEY_REFUSED = troubled(Trouble.KEY_REFUSED, about_source=True)


def fold(answers: list[Troubled | None], now: int = NOW, circuit: Circuit | None = None) -> Circuit:
    return reduce(lambda so_far, one: so_far.after(one, now), answers, circuit or Circuit())


OPEN = fold([troubled()] * FAILURES_TO_OPEN)


def test_closed() -> None:
    """A source that answers is asked as much as we like."""
    assert Circuit().allows(NOW, 16) == 16
    assert fold([None] * 9) == Circuit()


@pytest.mark.parametrize("trouble", ABOUT_THE_WAY)
def test_opens_after_five(trouble: Trouble) -> None:
    """Five failures in a row on the way to a source leave it alone for five seconds, with the trouble named."""
    assert fold([troubled(trouble)] * 4).allows(NOW, 16) == 16
    circuit = fold([troubled(trouble)] * 5)
    assert (circuit.trouble, circuit.since, circuit.asking_again_at) == (trouble, NOW, NOW + 5 * SECOND)
    assert circuit.allows(NOW, 16) == circuit.allows(NOW + 5 * SECOND - 1, 16) == 0


@pytest.mark.parametrize("between", [None, troubled(Trouble.UPSTREAM), troubled(Trouble.RATE_LIMITED)])
def test_in_a_row(between: Troubled | None) -> None:
    """An answer between failures begins the count anew, even one passed through from behind: the source itself is there."""
    assert fold([*[troubled()] * 4, between, *[troubled()] * 4]).allows(NOW, 1) == 1


@pytest.mark.parametrize("trouble", OTHERS)
def test_not_about_the_way(trouble: Trouble) -> None:
    """What is wrong with one question or one answer opens nothing, and says nothing of the others either."""
    assert fold([troubled(trouble)] * 99) == Circuit()
    assert fold([*[troubled()] * 4, troubled(trouble), troubled()]).allows(NOW, 1) == 0


@pytest.mark.parametrize("trouble", Trouble)
def test_opens_at_once(trouble: Trouble) -> None:
    """Trouble that every question would meet, such as a refused key, needs no second question."""
    circuit = fold([troubled(trouble, about_source=True)])
    assert (circuit.trouble, circuit.allows(NOW, 16), circuit.since) == (trouble, 0, NOW)


@pytest.mark.parametrize("later", [5 * SECOND, HOUR])
def test_half_open(later: int) -> None:
    """When the wait is over one question goes out to see, and no more than were wished for."""
    assert (OPEN.allows(NOW + later, 16), OPEN.allows(NOW + later, 0)) == (1, 0)


@pytest.mark.parametrize("good", [None, troubled(Trouble.UPSTREAM), troubled(Trouble.RATE_LIMITED)])
def test_closes(good: Troubled | None) -> None:
    """An answer to the question that was let through closes the circuit, and the next opening waits as briefly as the first."""
    closed = OPEN.after(good, NOW + 6 * SECOND)
    assert (closed.trouble, closed.since, closed.asking_again_at) == (None, None, None)
    assert fold([troubled()] * 5, circuit=closed).asking_again_at == NOW + FIRST_WAIT


def test_no_herd() -> None:
    """A source that is back is asked two questions at a time, and with each good answer one more, until it is as before."""
    circuit, allowed = OPEN.after(None, NOW + 6 * SECOND), []
    for _ in range(300):
        allowed.append(circuit.allows(NOW + 6 * SECOND, 256))
        circuit = circuit.after(None, NOW + 6 * SECOND)

    assert allowed[:256] == [*range(2, 257), 256]
    assert circuit == Circuit()


def test_trouble_while_it_eases() -> None:
    """A failure does not let more through, and a source that fails again is left alone as at first."""
    closed = OPEN.after(None, NOW + 6 * SECOND)
    assert closed.after(troubled(), NOW + 7 * SECOND).allows(NOW + 7 * SECOND, 16) == 2
    assert fold([troubled()] * 5, NOW + 7 * SECOND, closed).allows(NOW + 7 * SECOND, 16) == 0


@pytest.mark.parametrize("again", [troubled(), troubled(Trouble.TIMED_OUT), KEY_REFUSED])
def test_grows(again: Troubled) -> None:
    """Each try that fails doubles the wait, up to five minutes; the trouble dates from its beginning."""
    circuit, waits = OPEN, []
    for _ in range(8):
        tried_at = circuit.asking_again_at or 0
        circuit = circuit.after(again, tried_at)
        waits.append(((circuit.asking_again_at or 0) - tried_at) // SECOND)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]
    assert (circuit.since, circuit.trouble) == (NOW, again.trouble)


@pytest.mark.parametrize("late", [KEY_REFUSED, troubled(), troubled(Trouble.TIMED_OUT)])
def test_failures_under_way(late: Troubled) -> None:
    """Several failures that were under way together count as one: the wait neither grows nor begins anew."""
    for answers in ([KEY_REFUSED], [troubled()] * 5):
        opened = fold(answers)
        assert fold([late] * 15, NOW + SECOND, opened).asking_again_at == opened.asking_again_at
        assert fold([late] * 15, NOW + SECOND, opened).opened == 1


def test_good_answer_under_way() -> None:
    """A good answer that was under way does not end a wait that the provider wished for."""
    limited = fold([troubled(Trouble.RATE_LIMITED, about_source=True, retry_after=MINUTE)])
    assert limited.after(None, NOW + SECOND) == limited
    assert limited.after(None, NOW + MINUTE).trouble is None


@pytest.mark.parametrize(
    ("wish", "wait"),
    [(None, 5), (-9, 5), (0, 5), (SECOND, 5), (30 * SECOND, 30), (15 * MINUTE, 900), (1 << 62, 900)],
)
def test_retry_after(wish: int | None, wait: int) -> None:
    """A provider's wish is obeyed up to a quarter of an hour, and never shortens our own wait."""
    circuit = fold([troubled(Trouble.RATE_LIMITED, about_source=True, retry_after=wish)])
    assert circuit.asking_again_at == NOW + wait * SECOND


troubles = st.builds(
    Troubled,
    st.sampled_from(Trouble),
    st.just("words"),
    retry_after=maybe(st.integers(-(1 << 62), 1 << 62)),
    about_source=st.booleans(),
)


@thoroughly
@given(st.lists(st.tuples(maybe(troubles), moments), max_size=20))
def test_total(answers: list[tuple[Troubled | None, int]]) -> None:
    """Whatever comes, a circuit never waits longer than its bounds, and always lets a question through in the end."""
    circuit = Circuit()
    for answer, now in answers:
        before = circuit.asking_again_at
        circuit = circuit.after(answer, now)
        if circuit.asking_again_at not in (None, before):
            assert FIRST_WAIT <= circuit.asking_again_at - now <= max(LONGEST_WAIT, 15 * MINUTE)
        assert circuit.allows(circuit.asking_again_at or now, 16) >= 1
        assert (circuit.asking_again_at is None) == (circuit.trouble is None) == (circuit.since is None)
