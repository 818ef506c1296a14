"""Which events of a job are set on their way, and in which order (contract 4.4, 4.9)."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.deliveries import Sender
from sandbox.events import Event
from sandbox.jobs import Job


class Announcer:
    """Hands events to the sender. A job without a webhook is never told of; its end counts as told."""

    def __init__(self, sender: Sender, background: Background, clock: Clock) -> None:
        self._sender = sender
        self._background = background
        self._clock = clock

    def tell_creation(self, job: Job) -> None:
        """At once, but with `webhook_reordered` only after the end."""
        if "webhook_reordered" not in job.scenario:
            self.tell(job, Event(job.kind, "created"))

    def tell(self, job: Job, event: Event) -> None:
        """Something before the end."""
        if job.webhook:
            self._start(job, self._sender.deliver(job, event, asyncio.Event()))

    def tell_end(self, job: Job, event: Event | None) -> None:
        """The terminal event; None for an end that is not to be told of, after which a reordered creation still is."""
        if job.webhook:
            self._start(job, self._in_order(job, event))
        else:
            job.told_at = job.told_at or self._clock.now()

    def _start(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        """Counted at once, so that a job never looks settled between deciding to send and sending."""
        job.deliveries_open += 1
        self._background.start(work).add_done_callback(lambda _task: job.count_delivery_done())

    async def _in_order(self, job: Job, event: Event | None) -> None:
        """The terminal webhook, and with `webhook_reordered` the creation on its heels."""
        async with asyncio.TaskGroup() as together:
            first_done = asyncio.Event()
            if event:
                together.create_task(self._sender.deliver(job, event, first_done))
                await first_done.wait()
            if "webhook_reordered" in job.scenario:
                created = Event(job.kind, "created")
                together.create_task(self._sender.deliver(job, created, asyncio.Event(), forced=True))
