"""Everything that is known about one job, gathered once and handed to the decisions."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.readings import Expected, Suppressed
from schemas.tables import ActionRow, AttemptRow, DeliveryRow, JobRow, OutputRow, RowMatchRow
from schemas.words import OutputRole, Status

# Outputs that no member of the job names: they are the job's own, by its id.
_OWN_ROLES = frozenset({OutputRole.RESULTS, OutputRole.CONTENT})


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
    outputs: Sequence[OutputRow] = ()  # every one that it ever named
    match: RowMatchRow | None = None
    cancelled_may_mean: str | None = None  # at this provider, where nobody here cancelled it
    prospects: Sequence[tuple[Status, Expected | Suppressed]] = ()  # what each end of an open job would bring

    @property
    def status(self) -> Status:
        return Status(self.job.status)

    @property
    def window_end(self) -> int | None:
        """When its deliveries are no longer merely late; None while it is open."""
        return None if self.job.ended_at is None else self.job.ended_at + self.terms.delivery_window

    @property
    def files(self) -> list[tuple[OutputRole, str]]:
        """The files that it names now, by role and id."""
        named = ((OutputRole.OUTPUT, self.job.output_file_id), (OutputRole.ERROR, self.job.error_file_id))
        return [(role, file_id) for role, file_id in named if file_id]

    @property
    def current_outputs(self) -> list[OutputRow]:
        """The outputs that it names now, as far as they are noted."""
        files = self.files
        return [row for row in self.outputs if (OutputRole(row.role), row.file_id) in files or row.role in _OWN_ROLES]

    @property
    def current_match(self) -> RowMatchRow | None:
        """How its rows compare with what was asked, as of its present end."""
        return self.match if self.match is not None and self.match.revision == self.job.revision else None
