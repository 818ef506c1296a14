"""The tables. Ids are 63-bit integers made in the process, times are microseconds, words are text.

Who writes what is said at each table. JSON columns are for showing: no decision reads one.
"""

from sqlmodel import SQLModel

from schemas.tables.told import (
    AttemptRow,
    BodyRow,
    DeliveryRow,
    FailureRow,
    FindingChangeRow,
    FindingRow,
    HourlyTallyRow,
    JobRow,
    LeaseRow,
    ObservationRow,
    ReceiptRow,
    RefusalRow,
    RefusedRequestRow,
    SourceRow,
    TallyRow,
    TotalRow,
    TransitionRow,
    WatchRow,
)
from schemas.tables.work import (
    ActionRow,
    GroupRow,
    GroupTallyRow,
    HandoffRow,
    IdempotencyRow,
    LabelRow,
    OutputRow,
    ReverificationRow,
    RowMatchRow,
    SpentKeyRow,
    SubmissionRow,
)

METADATA = SQLModel.metadata

__all__ = [
    "METADATA",
    "ActionRow",
    "AttemptRow",
    "BodyRow",
    "DeliveryRow",
    "FailureRow",
    "FindingChangeRow",
    "FindingRow",
    "GroupRow",
    "GroupTallyRow",
    "HandoffRow",
    "HourlyTallyRow",
    "IdempotencyRow",
    "JobRow",
    "LabelRow",
    "LeaseRow",
    "ObservationRow",
    "OutputRow",
    "ReceiptRow",
    "RefusalRow",
    "RefusedRequestRow",
    "ReverificationRow",
    "RowMatchRow",
    "SourceRow",
    "SpentKeyRow",
    "SubmissionRow",
    "TallyRow",
    "TotalRow",
    "TransitionRow",
    "WatchRow",
]
