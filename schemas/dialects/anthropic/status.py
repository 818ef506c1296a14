"""How a message batch stands (`types/messages/message_batch.py` of the SDK). Its one word for an end tells no outcome: that is
decided by how its requests ended (contract of other providers, note 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.dialects.members import count, mapping
from schemas.readings import RowCounts
from schemas.words import Status

ENDED = "ended"
WORDS = {
    "in_progress": Status.RUNNING,
    "canceling": Status.RUNNING,
    "cancelling": Status.RUNNING,
}
# The first of these ends that any request had is the batch's.
ENDS = {
    "succeeded": Status.COMPLETED,
    "errored": Status.FAILED,
    "canceled": Status.CANCELLED,
    "expired": Status.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requests of a batch are where. None: there is no such count."""

    processing: int | None
    ended: Mapping[str, int]  # by the words of `ENDS`, as far as they are told

    @property
    def is_whole(self) -> bool:
        return len(self.ended) == len(ENDS)

    def counts(self, is_over: bool) -> RowCounts:
        """All of them, and how they ended. Before the batch has ended all are told as processing."""
        total = sum(self.ended.values()) + (self.processing or 0) or None
        if not is_over:
            return RowCounts(total)
        succeeded = self.ended.get("succeeded", 0)
        return RowCounts(total, succeeded, sum(self.ended.values()) - succeeded)

    def __str__(self) -> str:
        return ", ".join(f"{many} {end}" for end, many in self.ended.items() if many)


def read_tally(told: Any) -> Tally:
    counts = mapping(told)
    ended = {end: many for end in ENDS if (many := count(counts.get(end))) is not None}
    return Tally(count(counts.get("processing")), ended)


def read_status(native: str, tally: Tally) -> Status | None:
    """The status behind a word; pending for a word that nobody has explained, which is no end. None: it has ended, and its
    counts do not tell how."""
    word = native.lower()
    if word != ENDED:
        return WORDS.get(word, Status.PENDING)
    return next((ENDS[end] for end in ENDS if tally.ended.get(end)), None) if tally.is_whole else None
