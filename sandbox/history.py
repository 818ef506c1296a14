"""An account with a history: batches of somebody else's that ended days ago, and nothing about them left to do."""

from datetime import timedelta

from sandbox import batches, ids
from sandbox.batches import Batch, Order
from sandbox.gateway import Gateway
from sandbox.rows import Row
from sandbox.scenarios import read_scenario

AGE = timedelta(days=2)
APART = timedelta(minutes=10)
ENDS = ("", "", "", "fails", "expires", "rows_fail")  # what became of one after the other
ENDPOINT = "/v1/chat/completions"


def add_history(gateway: Gateway, many: int) -> None:
    """Add batches that began and ended at least two days ago. They have no webhook of ours and send nothing."""
    for number in range(many):
        batch = _old_batch(gateway, number)
        gateway.batches[batch.id] = batch


def _old_batch(gateway: Gateway, number: int) -> Batch:
    """One as the gateway has stored it: ended, billed and announced to whoever made it."""
    now = gateway.clock.now()
    created_at = now - AGE - number * APART
    rows = tuple(Row(f"old-{row}", ENDPOINT, {"model": "gpt-5", "messages": []}) for row in range(6))
    order = Order(rows, ENDPOINT, "24h", ids.native_file_id(), inline=True, metadata={"job": f"old-{number}"})
    batch_id, native_id = gateway.new_ids()
    batch = Batch(
        id=batch_id,
        native_id=native_id,
        request_id=ids.request_id(),
        order=order,
        scenario=read_scenario(ENDS[number % len(ENDS)]),
        created_at=created_at,
        output_file_id=ids.native_file_id(),
        error_file_id=ids.native_file_id(),
    )
    batch.store(batches.reading(batch, gateway.clock, now))
    ended_at = gateway.clock.later(created_at, batch.end())
    batch.updated_at = batch.noticed_at = batch.told_at = ended_at
    batch.bill = batches.bill_for(batches.results(batch, gateway.clock, now), ended_at)
    return batch
