"""The account's state: its jobs, its switches, and what happens to a job in the course of its life."""

import asyncio
import secrets

from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.thunderbit.deliveries import Sender
from sandbox.thunderbit.errors import Refused, job_not_found
from sandbox.thunderbit.jobs import Job, Order, planned_faults
from sandbox.thunderbit.rate_limit import RateLimit
from sandbox.thunderbit.scenarios import Scenario
from sandbox.thunderbit.switches import Switches


class Account:
    """Everything that this stand-in knows, in memory and in one event loop."""

    def __init__(self, clock: Clock, api_key: str) -> None:
        self.clock = clock
        self.api_key = api_key
        self.switches = Switches()
        self.rate = RateLimit(clock)
        self.jobs: dict[str, Job] = {}
        self.sender = Sender(clock, lambda: self.switches)
        self._background = Background()

    def open(self) -> None:
        self.sender.open()

    async def close(self) -> None:
        await self._background.close()
        await self.sender.close()

    def create(self, order: Order, scenario: Scenario) -> Job:
        job = Job(
            id=f"batch_{secrets.token_hex(8)}",
            order=order,
            scenario=scenario,
            created_at=self.clock.now(),
            faults=planned_faults(scenario, self.switches.faulty_answers),
        )
        self.jobs[job.id] = job
        self._background.start(self._live(job))
        return job

    def known(self, job_id: str, kind: str) -> Job:
        """Whatever became of it. The two families are apart: the other kind's id is unknown."""
        job = self.jobs.get(job_id)
        if job is None or job.order.kind != kind:
            raise job_not_found(job_id)
        return job

    def check_kept(self, job: Job) -> None:
        """Raise the 404 of a job that was forgotten, or whose retention is over (contract 10)."""
        kept, now = self.switches.retention_seconds, self.clock.now()
        expired = kept is not None and self.clock.lived(job.ended_at(self.clock), now) >= kept
        if job.is_deleted or expired:
            raise job_not_found(job.id)

    def cancel(self, job: Job) -> bool:
        """Ask for it; whether it was the first time that this could still matter.

        Raises:
            Refused: the job is over, by the form that the switch `delete_after_end` names; 200 raises nothing.
        """
        now = self.clock.now()
        if job.is_over(self.clock, now) or "cancel_refused" in job.scenario:
            self._refuse_cancel(job)
            return False
        first = job.cancel_asked is None
        if first:
            job.cancel_asked = self.clock.lived(job.created_at, now)
            job.changed.set()
        if job.is_over(self.clock, now):
            self._refuse_cancel(job)
        return first

    def forget(self, job: Job) -> None:
        """From now on nobody finds it, and nothing more is told."""
        job.is_deleted = True
        job.changed.set()

    def _refuse_cancel(self, job: Job) -> None:
        status = self.switches.delete_after_end
        if status != 200:
            raise Refused(status, "INVALID_PARAMETER", f"The job {job.id} is over", {"id": "is over"})

    async def _live(self, job: Job) -> None:
        """Wait for the end, which a cancel may bring forward, and tell it."""
        try:
            while not job.is_deleted and not job.is_over(self.clock, self.clock.now()):
                job.changed.clear()
                left = job.end.at - self.clock.lived(job.created_at, self.clock.now())
                try:
                    async with asyncio.timeout(self.clock.real(max(left, 0.01))):
                        await job.changed.wait()
                except TimeoutError:
                    continue
            await self.sender.announce(job)
        finally:
            job.told_at = job.told_at or self.clock.now()
            job.first_told.set()
            job.is_at_rest = True
