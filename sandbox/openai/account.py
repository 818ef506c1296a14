"""The state of the stand-in: files, batches, the endpoint; and what happens by itself: each batch's end is told of once."""

import asyncio
from datetime import datetime

from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.content import Content
from sandbox.errors import Refused
from sandbox.files import File
from sandbox.openai import batches, ids
from sandbox.openai.batches import Batch, Order, Reading
from sandbox.openai.deliveries import Sender
from sandbox.openai.endpoint import Endpoint
from sandbox.openai.errors import no_batch, no_file, refused
from sandbox.openai.scenarios import drawn_scenario
from sandbox.scenarios import Scenario


class Account:
    """Everything that the stand-in knows, in memory and in one event loop."""

    def __init__(self, clock: Clock, api_key: str, endpoint: Endpoint, seed: int | None) -> None:
        self.clock = clock
        self.api_key = api_key
        self.endpoint = endpoint
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, File] = {}
        self.sender = Sender(clock, endpoint)
        self.background = Background()
        self.stopping = asyncio.Event()
        self._seed = seed
        self._drawn = 0
        self._changes: dict[str, asyncio.Event] = {}

    def open(self) -> None:
        self.sender.open()

    async def close(self) -> None:
        self.stopping.set()
        await self.background.close()
        await self.sender.close()

    def scenario_for(self, named: Scenario | None) -> Scenario:
        """The one that the batch names, else with a seed the next of its sequence, else a good day."""
        if named is not None or self._seed is None:
            return named or Scenario()
        self._drawn += 1
        return drawn_scenario(self._seed, self._drawn)

    def keep(self, filename: str, content: bytes) -> File:
        file = File(ids.file_id(), filename, "batch", Content((content,)), self.clock.now())
        self.files[file.id] = file
        return file

    def create(self, order: Order, scenario: Scenario) -> Batch:
        batch = Batch(
            id=ids.batch_id(),
            order=order,
            scenario=scenario,
            created_at=self.clock.now(),
            output_file_id=ids.file_id(),
            error_file_id=ids.file_id(),
        )
        self.batches[batch.id] = batch
        self._changes[batch.id] = asyncio.Event()
        self.background.start(self._live(batch))
        return batch

    def find(self, batch_id: str) -> Batch:
        if (batch := self.batches.get(batch_id)) is None:
            raise no_batch(batch_id)
        return batch

    def read(self, batch: Batch, at: datetime | None = None) -> Reading:
        """As it stood at a time, or stands now."""
        return batches.reading(batch, self.clock, at or self.clock.now())

    def cancel(self, batch: Batch) -> bool:
        """Ask for the end of an open batch; whether that was the first time. Once more changes nothing.

        Raises:
            Refused: it has ended, or its scenario says so.
        """
        found = self.read(batch)
        if found.terminal or "cancel_refused" in batch.scenario:
            raise not_cancellable(found)
        is_first = batch.cancel_asked is None
        if is_first:
            batch.cancel_asked = self.clock.lived(batch.created_at, self.clock.now())
            self._changes[batch.id].set()
        if batch.fate.cancel_comes_last:
            raise not_cancellable(self.read(batch))
        return is_first

    def file(self, file_id: str) -> File:
        """An input, or what a batch that has ended left behind."""
        found = self.files.get(file_id) or next((one for one in self._results(file_id)), None)
        if found is None:
            raise no_file(file_id)
        return found

    def _results(self, file_id: str) -> list[File]:
        owners = [one for one in self.batches.values() if file_id in (one.output_file_id, one.error_file_id)]
        return [file for batch in owners if (file := self._result(batch, file_id)) is not None]

    def _result(self, batch: Batch, file_id: str) -> File | None:
        found, is_output = self.read(batch), file_id == batch.output_file_id
        if not found.terminal or (is_output and "output_missing" in batch.scenario):
            return None
        content = batches.output_of(batch, found) if is_output else batches.errors_of(batch, found)
        name = f"{batch.id}_{'output' if is_output else 'error'}.jsonl"
        return File(file_id, name, "batch_output", Content((content,)), self._ended_at(batch)) if content else None

    def _ended_at(self, batch: Batch) -> datetime:
        return self.clock.later(batch.created_at, batch.end())

    async def _live(self, batch: Batch) -> None:
        """Wait for the end, which a cancel brings forward, and tell of it."""
        changed = self._changes[batch.id]
        while not (found := self.read(batch)).terminal:
            changed.clear()
            left = batch.end() - self.clock.lived(batch.created_at, self.clock.now())
            try:
                async with asyncio.timeout(self.clock.real(max(left, 0.0)) + 0.001):
                    await changed.wait()
            except TimeoutError:
                continue
        await self.sender.announce(batch, f"batch.{found.status}")
        batch.is_told = True


def not_cancellable(found: Reading) -> Refused:
    """The status is our guess; that it is refused is not."""
    return refused(409, f"Cannot cancel a batch with status '{found.status}'.")
