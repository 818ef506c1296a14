"""Phaseo's events (contract 4.2, 4.4, 4.6): which of them a batch that ended should have brought, and one made by hand."""

import json
import re
from collections.abc import Sequence

from schemas.readings import Ended, Expected, Suppressed
from schemas.times import SECOND, rfc3339
from schemas.words import Status

PHASES = ("created", "status_changed", "progress", "completed", "failed", "cancelled", "expired")
SUBJECTS = ("job", "batch", "video")
KNOWN = frozenset({*PHASES, *(f"{subject}.{phase}" for subject in SUBJECTS for phase in PHASES)})
DEFAULT = ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")

_ALL_ROWS_FAILED = "the gateway never announces a completed batch without a successful row or an output file"
_EXPIRED_AS_FAILED = "the gateway announces an expired batch as batch.failed, which is not among webhook_events"


def expected(ended: Ended, events: Sequence[str]) -> tuple[Expected | Suppressed, ...]:
    """`created` if we listen for it, and the one announcement of the end. What comes in between cannot be foretold."""
    created = (f"{ended.kind}.created",) if _subscribed(events, ended.kind, "created") else ()
    end = _of_batch(ended, events) if ended.kind == "batch" else _of_other(ended, events)
    return (*([Expected(created)] if created else []), *([end] if end else []))


def _of_batch(ended: Ended, events: Sequence[str]) -> Expected | Suppressed | None:
    """A batch that expired is announced as failed, by all generations but one (contract 4.4)."""
    match ended.status:
        case Status.COMPLETED if _is_all_failed(ended) and _subscribed(events, "batch", "completed"):
            return Suppressed("batch.completed", _ALL_ROWS_FAILED)
        case Status.EXPIRED if _subscribed(events, "batch", "failed"):
            return Expected(("batch.failed", "batch.expired"))
        case Status.EXPIRED if _subscribed(events, "batch", "expired"):
            return Suppressed("batch.expired", _EXPIRED_AS_FAILED)
        case Status.EXPIRED:
            return None
    return _of_other(ended, events)


def _of_other(ended: Ended, events: Sequence[str]) -> Expected | None:
    """An end is announced under its own name."""
    is_announced = ended.status.is_terminal and _subscribed(events, ended.kind, ended.status)
    return Expected((f"{ended.kind}.{ended.status}",)) if is_announced else None


def sample(event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
    """A compact body with the key order of the gateway, short of the members that nobody decides on."""
    kind, _, phase = event.rpartition(".")
    kind = kind if kind in ("batch", "video") else "batch"
    lifecycle = {"in_progress": "running"}.get(status, status)
    body = {
        "id": re.sub(r"[^A-Za-z0-9_-]+", "_", f"evt_{kind}_{job_id}_{kind}.{phase}")[:160],
        "type": f"{kind}.{phase.partition(':')[0]}",
        "created_at": now // SECOND,
        "delivery": {"key": f"{kind}.{phase}", "attempt": 1, "max_attempts": 4},
        "data": {
            "id": job_id,
            "object": kind,
            "kind": kind,
            "status": status,
            "lifecycle_status": lifecycle,
            "progress": 100 if status == "completed" else 0,
            "polling_url": f"{base_url}/{'videos' if kind == 'video' else 'batches'}/{job_id}",
            "updated_at": rfc3339(now),
        },
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _is_all_failed(ended: Ended) -> bool:
    return (ended.writes_files and ended.output_file_id is None) or ended.counts.completed == 0


def _subscribed(events: Sequence[str], kind: str, phase: str) -> bool:
    words = {event.lower().replace("canceled", "cancelled") for event in events}
    return not words.isdisjoint({phase, f"job.{phase}", f"{kind}.{phase}"})
