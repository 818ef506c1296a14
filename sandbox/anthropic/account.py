"""The state of the stand-in: the batches of one workspace, and the scenario of those to come."""

from datetime import datetime

from sandbox.anthropic import batches, ids
from sandbox.anthropic.batches import Batch, Reading, Row
from sandbox.anthropic.errors import no_batch, refused
from sandbox.clock import Clock
from sandbox.scenarios import Scenario


class Account:
    """Everything that the stand-in knows, in memory and in one event loop."""

    def __init__(self, clock: Clock, api_key: str) -> None:
        self.clock = clock
        self.api_key = api_key
        self.scenario = Scenario()
        self.batches: dict[str, Batch] = {}
        self.deleted: set[str] = set()

    def create(self, rows: tuple[Row, ...]) -> Batch:
        """Each call makes one: there is no idempotency key."""
        batch = Batch(id=ids.batch_id(), rows=rows, scenario=self.scenario, created_at=self.clock.now())
        self.batches[batch.id] = batch
        return batch

    def shown(self) -> list[Batch]:
        """The newest first (docstring of `batches.list`)."""
        return [batch for batch in reversed(self.batches.values()) if batch.id not in self.deleted]

    def find(self, batch_id: str) -> Batch:
        batch = self.batches.get(batch_id)
        if batch is None or batch_id in self.deleted:
            raise no_batch(batch_id)
        return batch

    def read(self, batch: Batch, at: datetime | None = None) -> Reading:
        """As it stood at a time, or stands now."""
        return batches.reading(batch, self.clock, at or self.clock.now())

    def cancel(self, batch: Batch) -> bool:
        """Ask for the end of an open batch; whether that was the first time. Once more changes nothing.

        Raises:
            Refused: it has ended, or its scenario says so. How that is said is our guess.
        """
        if self.read(batch).is_over or "cancel_refused" in batch.scenario:
            raise refused(400, f"Message batch {batch.id} cannot be canceled")
        is_first = batch.cancel_asked is None
        if is_first:
            batch.cancel_asked = self.clock.lived(batch.created_at, self.clock.now())
        return is_first

    def delete(self, batch: Batch) -> None:
        """Only one that has ended can be (docstring of `batches.delete`). What became of it stays in the truth."""
        if not self.read(batch).is_over:
            raise refused(400, f"Message batch {batch.id} is in progress; cancel it first")
        self.deleted.add(batch.id)
