"""The gateway's state, and what happens when it notices something about a batch.

It notices on a status call, on a cancel and on its reconcile tick. Noticing stores the provider's word, registers
the result files, settles the bill, and only then announces the end: which is why asking about a batch can be
what sends its webhook.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random

from sandbox import batches, ids
from sandbox.account_faults import AccountFault
from sandbox.announcing import Announcer
from sandbox.background import Background
from sandbox.batches import Batch, Order, Reading
from sandbox.clock import Clock
from sandbox.deliveries import Sender
from sandbox.endpoints import Endpoint
from sandbox.errors import Refused, flat, native, unanswered
from sandbox.events import Event, progress_bucket
from sandbox.files import FileStore
from sandbox.generations import Generation
from sandbox.jobs import Job
from sandbox.links import DownloadLinks
from sandbox.result_files import readable_files, result_files
from sandbox.scenarios import Scenario, drawn_scenario
from sandbox.snapshots import Snapshots
from sandbox.video_gateway import Videos

TICKS = (120.0, 300.0)  # seconds of life between two reconcile visits of one batch


class Gateway:
    """Everything the sandbox knows, in memory and in one event loop."""

    def __init__(
        self,
        clock: Clock,
        api_key: str,
        seed: int | None,
        seeded_endpoint: Endpoint,
        public_base: str,
        generation: Generation,
        huge_bytes: int,
    ) -> None:
        self.clock = clock
        self.generation = generation
        self.api_key = api_key
        self.huge_bytes = huge_bytes
        self.files = FileStore(clock, limited=generation.has_upload_limits)
        self.endpoints = {seeded_endpoint.id: seeded_endpoint}
        self.fault = AccountFault.NONE
        self.batches: dict[str, Batch] = {}
        self.requests: Counter[str] = Counter()
        self.links = DownloadLinks()
        self.snapshots = Snapshots(clock, generation, public_base, self.links)
        self.sender = Sender(clock, self.endpoints, self.snapshots, generation)
        self.background = Background()
        self.announcer = Announcer(self.sender, self.background, clock)
        self.videos = Videos(clock, generation, self.announcer, self.background)
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

    def owned(self, job_id: str) -> Job | None:
        """Of either kind; None where there is none, or none any more."""
        job = self.videos.known.get(job_id) or self.batches.get(job_id)
        return None if job is None or job.is_deleted else job

    def delete(self, job: Job) -> None:
        """Forget it: from now on nobody finds it, nothing is noticed of it and nothing more is told."""
        job.is_deleted = True

    def find(self, batch_id: str) -> Batch:
        batch = self.batches.get(batch_id)
        if batch is None or batch.is_deleted:
            raise flat("not_found", "batch_not_found_or_not_owned", batch_id=batch_id)
        return batch

    def scenario_for(self, named: Scenario | None, kind: str) -> Scenario:
        """The one that the job names, else with a seed the next of its sequence, else a good day."""
        if named is not None or self._seed is None:
            return named or Scenario()
        self._drawn += 1
        return drawn_scenario(self._seed, self._drawn, kind)

    def new_ids(self) -> tuple[str, str]:
        """The gateway's and the provider's id of a new batch; in G1 they are one."""
        native_id = ids.native_batch_id()
        return (ids.batch_id() if self.generation.has_ids_of_its_own else native_id), native_id

    def create(self, order: Order, scenario: Scenario) -> Batch:
        batch_id, native_id = self.new_ids()
        batch = Batch(
            id=batch_id,
            native_id=native_id,
            request_id=ids.request_id(),
            order=order,
            scenario=scenario,
            created_at=self.clock.now(),
            output_file_id=ids.native_file_id(),
            error_file_id=ids.native_file_id(),
        )
        self.batches[batch.id] = batch
        self._changes[batch.id] = asyncio.Event()
        if batch.stored.terminal:  # the provider refused it, and nobody is told (contract 4.4, hole 5)
            batch.noticed_at = batch.told_at = batch.created_at
            return batch
        if not batch.is_unsure:
            self.announcer.tell_creation(batch)
        name = None if self._seed is None else f"{self._seed}:ticks:{len(self.batches)}"
        self.background.start(self._watch(batch, Random(name)))
        return batch

    def reach(self, batch: Batch) -> None:
        """Raise the provider's 404 where it would be asked for the gateway's id, for want of its own (contract 3.2)."""
        if self.clock.lived(batch.created_at, self.clock.now()) < batch.unknown_until:
            raise native(404, f"No batch found with id '{batch.id}'.")

    def cancel(self, batch: Batch) -> Reading:
        """Ask the provider; its refusal is passed through with its own status. In G1 only if it is open as stored."""
        self.reach(batch)
        now = self.clock.now()
        found = batches.reading(batch, self.clock, now)
        if self.generation.checks_before_cancel and batch.stored.terminal:
            if batch.stored.status == "cancelled":
                return found
            reason = "batch_cancel_requires_non_terminal_status"
            raise flat("validation_error", reason, batch_id=batch.id, status=batch.stored.status)
        if found.terminal or "cancel_refused" in batch.scenario:
            raise not_cancellable(found)
        is_first = batch.cancel_asked is None
        if is_first:
            batch.cancel_asked = self.clock.lived(batch.created_at, now)
            self._changes[batch.id].set()
        found = batches.reading(batch, self.clock, now)
        if batch.fate.cancel_comes_last:
            raise not_cancellable(found)
        self.notice(batch, found)
        if is_first and "cancel_unheard" in batch.scenario:
            raise unanswered()
        return found

    def ask(self, batch: Batch) -> Reading:
        """Ask the provider, take in what it says, and tell it. In G1 the first end stays, and only that."""
        self.reach(batch)
        heard = batches.answered_reading(batch, self.clock, self.clock.now())
        self.notice(batch, heard)
        if self.generation.keeps_first_end and batch.stored.terminal:
            return replace(heard, status=batch.stored.status)
        return heard

    def notice(self, batch: Batch, found: Reading) -> None:
        """Take in one word of the provider's; the first terminal one is announced, since G2 once it can be billed."""
        now = self.clock.now()
        if batch.is_unsure:  # only now does the gateway know that it was accepted
            self.announcer.tell_creation(batch)
        batch.store(found)
        batch.updated_at = batch.polled_at = now
        batch.polled_status = found.status
        if not found.terminal:
            self._announce_progress(batch)
            return
        first = batch.noticed_at is None
        batch.noticed_at = batch.noticed_at or now
        self._register_results(batch, found)
        billed_now = batch.bill is None and batches.may_finalize(found)
        if billed_now:
            batch.bill = batches.bill_for(batches.results(batch, self.clock, now), now)
        if billed_now if self.generation.waits_for_bill else first:
            self.announcer.tell_end(batch, Event("batch", self.generation.announced_as[found.status]))
        elif first and "webhook_reordered" in batch.scenario and not will_finalize(batch):
            self.announcer.tell_end(batch, None)
        if "webhook_delayed" not in batch.scenario or batch.bill is None:
            batch.told_at = batch.told_at or now

    def _announce_progress(self, batch: Batch) -> None:
        """In G1b each time that it has come another step; never of a batch since."""
        bucket = progress_bucket(batches.percent_done(batch.stored))
        if not self.generation.announces_progress or bucket is None or bucket <= batch.told_progress:
            return
        batch.told_progress = bucket
        self.announcer.tell(batch, Event("batch", "progress", bucket))

    def _register_results(self, batch: Batch, found: Reading) -> None:
        """The files that the gateway has now seen become readable."""
        readable = readable_files(batch, found)
        if all(file_id in self.files for file_id in readable):
            return
        now = self.clock.now()
        for file in result_files(batch, batches.results(batch, self.clock, now), now, self.huge_bytes):
            if file.id in readable:
                self.files.register(file)

    async def _watch(self, batch: Batch, pauses: Random) -> None:
        """The reconcile tick: comes by every 2 to 5 minutes of life until the bill is settled or never will be.

        With `status_stale` it comes the moment the batch ends, and for files that are late once they appear:
        the provider's own callback, by which the gateway gets its second chance to finalize.
        """
        changed = self._changes[batch.id]
        while not batch.is_deleted and batch.bill is None and (batch.noticed_at is None or will_finalize(batch)):
            changed.clear()
            pause = self._next_visit(batch, pauses)
            try:
                async with asyncio.timeout(self.clock.real(pause)):
                    await changed.wait()
            except TimeoutError:
                if batch.is_deleted:
                    return
                self.notice(batch, batches.reading(batch, self.clock, self.clock.now()))

    def _next_visit(self, batch: Batch, pauses: Random) -> float:
        """Seconds of life until the tick comes by again."""
        lived = self.clock.lived(batch.created_at, self.clock.now())
        if lived < batch.unknown_until:
            return max(batch.unknown_until - lived, 0.1)
        if batch.noticed_at is not None:
            return max(batch.files_at() - lived, 0.1)
        if "status_stale" in batch.scenario:
            return max(batch.end() - lived, 0.1)
        return pauses.uniform(*TICKS)


def not_cancellable(found: Reading) -> Refused:
    """The provider's refusal."""
    return native(409, f"Cannot cancel a batch with status '{found.status}'.")


def will_finalize(batch: Batch) -> bool:
    """Whether waiting for late files can still settle the bill of a batch that is over."""
    return batch.bill is None and "output_late" in batch.scenario and len(batch.failing) < len(batch.order.rows)
