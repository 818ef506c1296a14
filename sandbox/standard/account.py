"""The account's state: its tasks, its webhook endpoint, and what happens to a task in the course of its life."""

import asyncio
import secrets

from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.standard.deliveries import Sender
from sandbox.standard.errors import Refused
from sandbox.standard.orders import Order
from sandbox.standard.tasks import RUNNING, Task

API_KEY = "std_sandbox_only-for-the-loopback-stand-in"
WEBHOOK_SECRET = "whsec_c3RhbmRhcmQtc2FuZGJveC1zaWduaW5nLXNlY3JldDE="


class Account:
    """Everything that this stand-in knows, in memory and in one event loop."""

    def __init__(self, clock: Clock, webhook_url: str) -> None:
        self.clock = clock
        self.webhook_url = webhook_url
        self.tasks: dict[str, Task] = {}
        self._sender = Sender(clock, WEBHOOK_SECRET, lambda: self.webhook_url)
        self._background = Background()

    def open(self) -> None:
        self._sender.open()

    async def close(self) -> None:
        await self._background.close()
        await self._sender.close()

    def create(self, order: Order) -> Task:
        task = Task(id=f"task_{secrets.token_hex(8)}", order=order, created_at=self.clock.now())
        self.tasks[task.id] = task
        self._background.start(self._live(task))
        return task

    def known(self, task_id: str) -> Task:
        if task_id not in self.tasks:
            raise Refused(404, "There is no such task.")
        return self.tasks[task_id]

    def cancel(self, task: Task) -> None:
        """At once. Raises the 409 of a task that is over."""
        if task.is_over(self.clock):
            raise Refused(409, "The task is over.")
        task.cancelled_after = self.clock.lived(task.created_at, self.clock.now())
        task.changed.set()

    async def _live(self, task: Task) -> None:
        """Tell of its beginning and of its end, in this order or, on demand, in the other."""
        faults = task.order.webhooks
        try:
            async with asyncio.TaskGroup() as telling:
                await self._reach(task, task.starts_after)
                has_begun = task.ends_after > task.starts_after  # however late we are to look
                if has_begun and "reordered" not in faults:
                    telling.create_task(self._sender.tell(task, "task.started", RUNNING))
                await self._reach(task, task.order.seconds)
                await self._sender.tell(task, f"task.{task.end}", task.end)
                if has_begun and "reordered" in faults:
                    await self._sender.tell(task, "task.started", RUNNING)
        finally:
            task.is_told = True

    async def _reach(self, task: Task, seconds: float) -> None:
        """Wait until the task has lived so long, or is cancelled."""
        while task.cancelled_after is None:
            left = seconds - self.clock.lived(task.created_at, self.clock.now())
            if left <= 0:
                return
            try:
                async with asyncio.timeout(self.clock.real(max(left, 0.01))):
                    await task.changed.wait()
            except TimeoutError:
                continue
