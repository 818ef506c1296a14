"""What batches and videos have in common: who they are, what was noticed of them, and how telling of it went."""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from sandbox.account import Account
from sandbox.endpoints import WebhookChoice
from sandbox.scenarios import STATUS_FAULTS, Scenario

STALE = 120.0  # seconds of life for which `status_stale` answers lag behind the announcement


@dataclass(kw_only=True)
class Job(ABC):
    """One job of the account. `native_id` is the provider's id, `faults` are the answers that are still to go wrong."""

    kind: ClassVar[str]
    plural: ClassVar[str]
    begins: ClassVar[float]  # seconds of life after which it is in progress

    id: str
    native_id: str
    request_id: str
    scenario: Scenario
    created_at: datetime
    updated_at: datetime = field(init=False)
    polled_at: datetime | None = None
    polled_status: str | None = None
    noticed_at: datetime | None = None
    told_at: datetime | None = None
    told_progress: int = 0
    account: Account = field(default_factory=Account)
    faults: deque[str] = field(init=False)
    gets: int = 0
    cancels: int = 0
    sockets: int = 0
    is_deleted: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    deliveries_open: int = 0

    def __post_init__(self) -> None:
        self.updated_at = self.created_at
        self.faults = deque(word for word in STATUS_FAULTS if word in self.scenario for _ in range(3))

    @property
    @abstractmethod
    def webhook(self) -> WebhookChoice | None:
        """What was asked for in the create call."""

    def count_delivery_done(self) -> None:
        self.deliveries_open -= 1
