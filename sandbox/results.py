"""The results of a batch in one stream, which only G3 has (contract 3.6, 10).

The contract gives the route and its media type, and no more. So here: the rows are those of the output file and then of
the error file (contract 2.5), there are results once the batch is completed, and before that E1 409 `not_ready` with a
reason of our making. A batch that ended otherwise has none; its rows are in its files.
"""

from collections.abc import Iterator
from itertools import chain

from sandbox import batches
from sandbox.batches import Batch
from sandbox.clock import Clock
from sandbox.errors import flat
from sandbox.result_files import result_contents


def result_blocks(batch: Batch, clock: Clock, huge: int) -> Iterator[bytes]:
    """One line a row, some or a part of one to the block. `huge` is the size of an output file that is to be so.

    Raises:
        Refused: the batch is not completed.
    """
    now = clock.now()
    if batches.reading(batch, clock, now).status != "completed":
        raise flat("not_ready", "batch_results_not_ready", batch_id=batch.id)
    made = batches.results(batch, clock, now)
    return chain.from_iterable(content.blocks() for content in result_contents(batch, made, huge))
