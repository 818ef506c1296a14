"""Submissions as they are listed."""

import pytest
from stored import NOON, Run, within

from schemas.tables import SubmissionRow
from schemas.words import SubmissionState
from storage import submissions
from storage.listing import Part
from storage.store import Store

ROWS = (("acme", "stored"), ("other", "refused"), ("acme", "created"), ("other", "stored"), ("acme", "refused"))

LISTS = {
    "all": ((Part(),), [4, 3, 2, 1, 0]),
    "the newest": ((Part(2),), [4, 3]),
    "of a source": ((Part(), "acme"), [4, 2, 0]),
    "of a source, in several states": ((Part(1), "acme", ["stored", "created"]), [2]),
    "in one state": ((Part(), None, ["stored"]), [3, 0]),
    "in several states": ((Part(), None, ["stored", "refused"]), [4, 3, 1, 0]),
    "the newest in several states": ((Part(3), None, ["stored", "refused"]), [4, 3, 1]),
    "in a state that is named twice": ((Part(), None, ["stored", "stored"]), [3, 0]),
    "in none of these": ((Part(), None, ["dropped", "unclear"]), []),
}


async def store_all(store: Store) -> None:
    async with store.writing() as connection:
        for number, (source, state) in enumerate(ROWS):
            row = SubmissionRow(
                id=number + 1, source=source, state=state, input_sha256="", input_bytes=0, row_count=0,
                input_name="rows.jsonl", created_at=NOON, updated_at=NOON,
            )  # fmt: skip
            await submissions.store(connection, row)


def test_what_waits_to_become_a_job(store: Store, run: Run) -> None:
    """
    Of what is no job yet and may still become one the oldest come first, and all are counted.
    """
    run(store_all(store))
    for number, state in enumerate(SubmissionState, 10):
        row = SubmissionRow(
            id=number, source="acme", state=state.value, input_sha256="", input_bytes=0, row_count=0, input_name="r",
            created_at=NOON, updated_at=NOON,
        )  # fmt: skip
        run(within(store.writing(), submissions.store, row))

    longest = run(within(store.reading(), submissions.waiting_longest, 4))
    count = run(within(store.reading(), submissions.count_waiting))

    assert [(row.id, row.state) for row in longest] == [
        (1, "stored"),
        (4, "stored"),
        (10, "stored"),
        (11, "uploaded"),
    ]
    assert count == 7  # three are stored, and one each is uploaded, creating, unclear and unconfirmed


@pytest.mark.parametrize(("arguments", "places"), LISTS.values(), ids=LISTS)
def test_newest_first(store: Store, run: Run, arguments: tuple, places: list[int]) -> None:
    """
    The newest come first, whichever source and states are asked for, and no more than asked for.
    """
    run(store_all(store))
    found = run(within(store.reading(), submissions.newest, *arguments))

    assert [row.id - 1 for row in found] == places
