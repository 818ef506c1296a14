"""Matching: rows that came beside requests that were asked, by custom id."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.matching import MOST_EXAMPLES, Matched, Place, match
from schemas.contents import NoRow, ResultRow

HERE = Place("output", 3)


def good(custom_id: str) -> ResultRow:
    return ResultRow(custom_id, True, 200)


def bad(custom_id: str) -> ResultRow:
    return ResultRow(custom_id, False, 400, "invalid", "too\x1b long")


def matched(asked: list[str] | None, *rows: ResultRow | NoRow) -> Matched:
    return match(asked, [(HERE, row) for row in rows])


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ((good("a"), good("b"), good("c")), (3, 3, 0, 0, 0, 0, 0)),
        ((good("b"), bad("a")), (3, 1, 1, 1, 0, 0, 0)),
        ((), (3, 0, 0, 3, 0, 0, 0)),
        ((good("a"), bad("a"), good("a")), (3, 1, 0, 2, 2, 0, 0)),  # the first one counts
        ((bad("a"), good("a")), (3, 0, 1, 2, 1, 0, 0)),
        ((good("A"), good("x"), good("x")), (3, 0, 0, 3, 0, 3, 0)),
        ((NoRow("not a JSON object"), good("c")), (3, 1, 0, 2, 0, 0, 1)),
    ],
)
def test_counts(rows: tuple[ResultRow | NoRow, ...], counts: tuple[int, ...]) -> None:
    """Three requests, and what of their rows came."""
    found = matched(["a", "b", "c"], *rows)
    assert counts == (
        found.asked, found.succeeded, found.failed, found.missing, found.repeated, found.strange, found.unreadable,
    )  # fmt: skip


def test_nobody_knows_what_was_asked() -> None:
    """Every custom id counts as asked then, and none as missing or strange."""
    found = matched(None, good("a"), bad("b"), good("a"))
    assert (found.asked, found.missing, found.strange) == (None, None, 0)
    assert (found.succeeded, found.failed, found.repeated) == (1, 1, 1)


def test_examples() -> None:
    """The first few of each are named, safe to be shown; the missing ones in the order of the input."""
    asked = [f"row-{number}" for number in range(20)]
    rows = [bad("row-3"), good("row-3"), good("\x1b[2J"), NoRow("not a JSON object")]
    found = matched(asked, *rows)
    assert found.examples["failed"] == [
        {"custom_id": "row-3", "status_code": 400, "code": "invalid", "message": "too\\x1b long"}
    ]
    assert found.examples["repeated"] == [{"custom_id": "row-3"}]
    assert found.examples["strange"] == [{"custom_id": "\\x1b[2J"}]
    assert found.examples["unreadable"] == [{"in": "output", "line": 3, "why": "not a JSON object"}]
    assert [one["custom_id"] for one in found.examples["missing"]] == ["row-0", "row-1", "row-2", "row-4", "row-5"]
    assert all(len(examples) <= MOST_EXAMPLES for examples in found.examples.values())


ids = st.sampled_from(["a", "b", "c", "d", "e"])
some_rows = st.lists(st.one_of(st.builds(good, ids), st.builds(bad, ids), st.just(NoRow("no"))), max_size=12)


@given(st.one_of(st.none(), st.lists(ids, unique=True)), some_rows)
def test_threat_59_every_row_is_counted_once(asked: list[str] | None, rows: list[ResultRow | NoRow]) -> None:
    """What was asked is what succeeded, failed or is missing; and each line that came stands in one count."""
    found = matched(asked, *rows)
    assert found.succeeded + found.failed + found.repeated + found.strange + found.unreadable == len(rows)
    if asked is None:
        assert found.asked is None
        return
    assert found.asked == len(asked)
    assert found.asked == found.succeeded + found.failed + (found.missing or 0)
    came = Counter(row.custom_id for row in rows if isinstance(row, ResultRow))
    assert found.missing == sum(custom_id not in came for custom_id in asked)
    assert found.strange == sum(count for custom_id, count in came.items() if custom_id not in asked)


def test_only_the_number_of_requests_is_known() -> None:
    """Where the asked ids are not known any more, as many are missing as did not come; without the number nobody knows."""
    rows = [(Place("output", 1), ResultRow("a", True, 200)), (Place("output", 2), ResultRow("a", True, 200))]

    found = match(None, rows, 4)
    assert (found.asked, found.succeeded, found.missing, found.repeated) == (4, 1, 3, 1)
    assert (match(None, rows).asked, match(None, rows).missing) == (None, None)
