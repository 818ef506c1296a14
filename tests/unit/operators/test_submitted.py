"""What was submitted and is no job yet: what of it is held up."""

import pytest
from given import NOW

from operators.dashboard.numbers import Asking, asking_trouble
from operators.submitted import is_held_up
from schemas.tables import SubmissionRow
from schemas.times import MINUTE


@pytest.mark.parametrize(
    ("columns", "held_up"),
    [
        ({}, False),
        ({"updated_at": NOW - 5 * MINUTE}, True),
        ({"updated_at": NOW - 5 * MINUTE, "sent_bytes": 40}, False),
        ({"updated_at": NOW - 5 * MINUTE, "sent_bytes": 100}, True),
        ({"state": "uploaded", "sent_bytes": 100}, False),
        ({"message": "HTTP 429"}, True),
        ({"state": "unconfirmed"}, True),
    ],
)
def test_what_is_held_up(columns, held_up):
    """
    What came to nothing the last time, what a person has to decide, and what has waited for its turn for five minutes; not an
    upload that is under way.
    """
    row = {"state": "stored", "message": None, "sent_bytes": 0, "input_bytes": 100, "updated_at": NOW - MINUTE}

    assert is_held_up(SubmissionRow(**{**row, **columns}), NOW) is held_up


@pytest.mark.parametrize(
    ("sources", "jobs", "more_jobs", "held_up", "waiting", "expected"),
    [
        (0, 0, False, 0, 3, Asking("0", "every question is answered")),
        (1, 2, False, 0, 0, Asking("3", "1 source, 2 jobs")),
        (0, 10, True, 1, 2, Asking("11+", "0 sources, 10 jobs or more, 1 submission")),
        (0, 0, False, 2, 2, Asking("2", "0 sources, 0 jobs, 2 submissions")),
        (0, 0, False, 10, 257, Asking("10+", "0 sources, 0 jobs, 10 submissions or more")),
    ],
)
def test_what_our_own_asking_has_trouble_with(sources, jobs, more_jobs, held_up, waiting, expected):
    """
    Sources, jobs and submissions together; where only the first were looked at, there may be more.
    """
    trouble = {"sources": [{}] * sources, "jobs": [{}] * jobs, "more_jobs": more_jobs}
    submissions = {"held_up": held_up, "waiting": waiting, "longest": [{}] * min(waiting, 10)}

    assert asking_trouble(trouble, submissions) == expected
