"""News: what is logged once the transaction that it came about in has been committed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from schemas.ids import shown
from schemas.tables import JobRow


@dataclass(frozen=True, slots=True)
class News:
    """One event, and what is told of it. Never a body, never a secret."""

    event: str
    told: Mapping[str, Any]
    level: Literal["debug", "info", "warning"] = "info"


def about(job: JobRow) -> dict[str, Any]:
    """How a job is named in the log."""
    return {"job": shown("job", job.id), "job_id": job.job_id, "kind": job.kind}
