"""The list and its quirks (contract 3.3): a limit of one, forgiving filters, an order that shifts."""

import re
from collections.abc import Iterable, Sequence

from sandbox.batches import Batch
from sandbox.generations import Generation

FILTERS = {
    "pending": {"pending", "queued", "validating"},
    "queued": {"pending", "queued", "validating"},
    "in_progress": {"in_progress", "finalizing", "cancelling"},
    "running": {"in_progress", "finalizing", "cancelling"},
    "processing": {"in_progress", "finalizing", "cancelling"},
    "cancelled": {"cancelled", "canceled"},
    "canceled": {"cancelled", "canceled"},
    "completed": {"completed"},
    "failed": {"failed"},
    "expired": {"expired"},
}


def list_limit(written: str | None) -> int:
    """Absent or empty is 1, words are 20, numbers lose their fraction and stay within 1 to 100."""
    if not written:
        return 1
    if not re.fullmatch(r"[+-]?\d{1,18}(\.\d*)?", written.strip(), re.ASCII):
        return 20
    return min(max(int(float(written)), 1), 100)


def wanted_statuses(status: Sequence[str], statuses: str | None, generation: Generation) -> set[str] | None:
    """Stored statuses that pass; unknown words vanish, and None lets all pass. `status` is split at commas in G1 only."""
    words = [*(",".join(status).split(",") if generation.splits_status else status), *(statuses or "").split(",")]
    known = [FILTERS[word.strip().lower()] for word in words if word.strip().lower() in FILTERS]
    return set().union(*known) if known else None


def page(batches: Iterable[Batch], limit: int, wanted: set[str] | None) -> list[Batch]:
    """The most recently touched first; there is no second page."""
    kept = (batch for batch in batches if not batch.is_deleted)
    passing = [batch for batch in kept if wanted is None or batch.stored.status in wanted]
    return sorted(passing, key=lambda batch: batch.updated_at, reverse=True)[:limit]
