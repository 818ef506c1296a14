"""The results of a batch in one stream, which only G3 has (contract 3.6, 10).

The contract gives the route and its media type, and no more. So here: the rows are those of the output file and then of
the error file (contract 2.5), there are results once the batch is completed, and before that E1 409 `not_ready` with a
reason of our making. A batch that ended otherwise has none; its rows are in its files.
"""

from collections.abc import Iterator

from sandbox import batches
from sandbox.batches import Batch
from sandbox.clock import Clock
from sandbox.errors import flat
from sandbox.result_files import error_lines, output_lines
from sandbox.rows import json_lines


def result_lines(batch: Batch, clock: Clock) -> Iterator[bytes]:
    """One line a row.

    Raises:
        Refused: the batch is not completed.
    """
    now = clock.now()
    if batches.reading(batch, clock, now).status != "completed":
        raise flat("not_ready", "batch_results_not_ready", batch_id=batch.id)
    made = batches.results(batch, clock, now)
    lines = [*output_lines(batch, made.answered), *error_lines(batch, made.errors)]
    return (json_lines([line]) for line in lines)
