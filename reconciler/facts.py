"""Everything that is known about one job, gathered once and handed to the decisions."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.readings import Expected, Suppressed
from schemas.tables import ActionRow, AttemptRow, DeliveryRow, JobRow, OutputRow
from schemas.words import Status


@dataclass(frozen=True, slots=True)
class Terms:
    """What a source's configuration has to say about judging its jobs. Times in microseconds."""

    delivery_window: int
    listening_since: int
    stuck_cancel: int
    output_patience: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One job, with all that came, was asked and was answered about it."""

    job: JobRow
    terms: Terms
    expectations: Sequence[Expected | Suppressed] = ()  # empty while open, and without a webhook of ours
    deliveries: Sequence[DeliveryRow] = ()
    attempts: Sequence[AttemptRow] = ()
    actions: Sequence[ActionRow] = ()
    outputs: Sequence[OutputRow] = ()

    @property
    def status(self) -> Status:
        return Status(self.job.status)

    @property
    def window_end(self) -> int | None:
        """When its deliveries are no longer merely late; None while it is open."""
        return None if self.job.ended_at is None else self.job.ended_at + self.terms.delivery_window
