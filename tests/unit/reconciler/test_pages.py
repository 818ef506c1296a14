"""Several pages of a list as one: what they show together, and what is said to be missing."""

import pytest

from reconciler.pages import Listed, together
from schemas.readings import Observation, Page, Troubled
from schemas.words import Status, Trouble

GONE = Troubled(Trouble.TIMED_OUT, "no whole answer within 30 s")
NO_LIST = Troubled(Trouble.REQUEST, "HTTP 404: 404 Not Found", 404)
HANGING = "jobs whose creation hangs match no filter"
ALL = Page((), is_full=True, cursor="pending", doubt=HANGING)


def seen(number: int, status: Status = Status.RUNNING) -> Observation:
    return Observation("batch", f"batch_{number}", status, status.value)


@pytest.mark.parametrize(
    ("pages", "trouble", "cut", "message"),
    [
        ([Page()], None, None, None),
        ([Page((seen(1),)), Page((seen(2),))], None, None, None),
        ([Page((seen(1),), cursor="2"), Page((seen(2),))], None, None, None),
        ([Page((seen(1),), is_full=True)], None, None, "its page is full"),
        ([Page((seen(1),), is_full=True, cursor="2"), Page()], None, None, None),
        ([ALL, Page(only="pending", cursor="failed"), Page(only="failed")], None, None, HANGING),
        (
            [ALL, Page(only="failed", is_full=True, cursor="completed"), Page(only="completed", is_full=True)],
            None,
            None,
            f"its page is full for failed, completed; {HANGING}",
        ),
        ([ALL, Page(doubt="not obeyed")], None, None, f"{HANGING}; not obeyed"),
        ([ALL], GONE, None, f"{HANGING}; it ended early (timed_out): no whole answer within 30 s"),
        ([], NO_LIST, None, "it cannot be had (request): HTTP 404: 404 Not Found"),
        ([ALL], None, "the budget allowed no further page", f"{HANGING}; the budget allowed no further page"),
    ],
)
def test_whole_or_why_not(pages: list[Page], trouble: Troubled | None, cut: str | None, message: str | None) -> None:
    """What is missing is said in a sentence, and only if something is; then there may be more than the list shows."""
    listed = together(pages, trouble, cut)

    assert (listed.message, listed.page.is_full) == (message, message is not None)
    assert listed.trouble is trouble


def test_each_job_once() -> None:
    """A job that several pages show is shown once, as the first of them shows it."""
    pages = [Page((seen(1), seen(2)), cursor="a"), Page((seen(2, Status.COMPLETED), seen(3)), only="a")]

    assert together(pages).page.observations == (seen(1), seen(2), seen(3))


@pytest.mark.parametrize(
    ("unreadable", "counted"),
    [([(None, 2)], 2), ([(None, 2), (None, 3)], 5), ([(None, 2), ("a", 1), ("b", 4)], 5), ([(None, 2), ("a", 1)], 2)],
)
def test_unreadable_entries(unreadable: list[tuple[str | None, int]], counted: int) -> None:
    """An unreadable entry on the page of all stands on that of its status too, and is not counted twice for that."""
    assert together([Page(unreadable=many, only=only) for only, many in unreadable]).page.unreadable == counted


@pytest.mark.parametrize(
    ("listed", "is_in_vain", "is_refused"),
    [
        (together([Page()]), False, False),
        (together([], NO_LIST), True, True),
        (together([], GONE), True, False),
        (together([Page((seen(1),), cursor="a")], NO_LIST), False, True),
        (together([Page((seen(1),), cursor="a")], GONE), False, False),
    ],
)
def test_in_vain_and_refused(listed: Listed, is_in_vain: bool, is_refused: bool) -> None:
    """A list that is refused as such is told from one that had trouble, and one that showed something from one that did not."""
    assert (listed.is_in_vain, listed.is_refused) == (is_in_vain, is_refused)
