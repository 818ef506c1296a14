"""What was submitted and is no job yet: how much of it waits, what has waited longest, and whether anything holds that up.

That is our own asking: a file that cannot be uploaded, or a create that is turned away, is no failure of any job.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.views import View
from schemas.tables import SubmissionRow
from schemas.times import MINUTE
from schemas.words import SubmissionState
from storage import submissions

FIRST_FEW = 10
STATES = submissions.WAITING
LONG = 5 * MINUTE  # for a step to wait for its turn


async def waiting(connection: AsyncConnection, now: int) -> View:
    """
    What waits `now`.

    It is counted up to `submissions.MOST_COUNTED`. `held_up` is how many are of the `longest`, which are FIRST_FEW at most.
    """
    count = await submissions.count_waiting(connection)
    longest = await submissions.waiting_longest(connection, FIRST_FEW) if count else []
    return {
        "waiting": min(count, submissions.MOST_COUNTED),
        "more_waiting": count > submissions.MOST_COUNTED,
        "held_up": sum(is_held_up(row, now) for row in longest),
        "longest": [views.submission(row) for row in longest],
    }


def is_held_up(row: SubmissionRow, now: int) -> bool:
    """Its last step came to nothing, a person has to decide, or its turn has not come for long. An upload under way takes as
    long as it takes."""
    if row.message is not None or row.state == SubmissionState.UNCONFIRMED:
        return True
    return now - row.updated_at >= LONG and row.sent_bytes in (0, row.input_bytes)
