"""One run of a job, as it really is. A job whose id was posted twice has two (contract 0, fact 10)."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.tagger.documents import Document


class RunState(StrEnum):
    """What the worker knows of itself; the state that the tagger tells may be another.

    `dead`: the worker is gone, by a kill or because Redis was, and nobody will ever end this run.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DEAD = "dead"


OPEN = frozenset({RunState.PENDING, RunState.PROCESSING, RunState.PAUSED})


@dataclass(eq=False)
class Run:
    """`outcomes` has a word for each row so far: success or failed. `db_job_id` is the id in history, if it has one."""

    job_id: str
    user_id: str
    documents: tuple[Document, ...]
    tags: int
    model_name: str
    is_key_good: bool
    db_job_id: str | None
    started: float
    state: RunState = RunState.PENDING
    outcomes: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def succeeded(self) -> int:
        return self.outcomes.count("success")

    @property
    def failed(self) -> int:
        return self.outcomes.count("failed")

    def shown(self) -> dict[str, Any]:
        """`status` is final once `done`."""
        total = len(self.documents)
        return {
            "job_id": self.job_id,
            "db_job_id": self.db_job_id,
            "status": self.state,
            "done": not self.is_open,
            "total": total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "rows": self.outcomes + ["pending"] * (total - len(self.outcomes)),
            "key_good": self.is_key_good,
        }
