"""The list and its quirks (contract 3.3): a limit of one, forgiving filters, an order that shifts."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter

from sandbox.batches import Batch
from sandbox.files import File
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


def page(batches: Iterable[Batch], files: Iterable[File], limit: int, wanted: set[str] | None) -> list[Batch]:
    """The most recently touched first; there is no second page.

    Records of files share the table. A few more rows than asked for are read, and the files among them then dropped, so a page
    can be short, or empty, although there is more. That they pass no filter of statuses is our guess.
    """
    kept = (batch for batch in batches if not batch.is_deleted)
    rows: list[tuple[datetime, Batch | None]] = [
        (batch.updated_at, batch) for batch in kept if wanted is None or batch.stored.status in wanted
    ]
    if wanted is None:
        rows += [(file.created_at, None) for file in files]
    rows.sort(key=itemgetter(0), reverse=True)
    read = rows[: max(3 * limit, limit + 50)]
    return [batch for _, batch in read if batch is not None][:limit]
