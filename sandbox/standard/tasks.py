"""One task: what was ordered, and what has become of it by now."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Clock, unix
from sandbox.standard.orders import Order

QUEUED, RUNNING = "queued", "running"
CANCELLED = "cancelled"
WAITING = 0.2  # of its life


@dataclass(kw_only=True)
class Task:
    """`sent` is every request that was made about it, as the truth shows it. `is_told`: nothing is left to send."""

    id: str
    order: Order
    created_at: datetime
    cancelled_after: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    gets: int = 0
    deletes: int = 0
    is_told: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def starts_after(self) -> float:
        return self.order.seconds * WAITING

    @property
    def ends_after(self) -> float:
        return self.order.seconds if self.cancelled_after is None else self.cancelled_after

    @property
    def end(self) -> str:
        """As things stand."""
        return self.order.ends if self.cancelled_after is None else CANCELLED

    def status(self, lived: float) -> str:
        if lived >= self.ends_after:
            return self.end
        return RUNNING if lived >= self.starts_after else QUEUED

    def is_over(self, clock: Clock) -> bool:
        return clock.lived(self.created_at, clock.now()) >= self.ends_after

    def shown(self, clock: Clock, now: datetime) -> dict[str, Any]:
        """As the status endpoint shows it."""
        status = self.status(clock.lived(self.created_at, now))
        failed = self.order.rows if status == "failed" else 0
        return {
            "id": self.id,
            "object": "task",
            "status": status,
            "rows": {
                "total": self.order.rows,
                "done": self.order.rows if status == "completed" else 0,
                "failed": failed,
            },
            "error": {"message": "It was ordered to fail."} if status == "failed" else None,
            "created_at": unix(self.created_at),
        }
