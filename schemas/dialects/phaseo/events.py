"""Phaseo's events (contract 4.2, 4.4, 4.6): which of them a batch that ended should have brought, and one made by hand."""

import json
import re
from collections.abc import Sequence

from schemas.readings import Coverage, Ended, Expected, Suppressed
from schemas.times import SECOND, rfc3339
from schemas.words import Status

PHASES = ("created", "status_changed", "progress", "completed", "failed", "cancelled", "expired")
SUBJECTS = ("job", "batch", "video")
KNOWN = frozenset({*PHASES, *(f"{subject}.{phase}" for subject in SUBJECTS for phase in PHASES)})
KINDS = ("batch", "video")
# What an endpoint sends about a kind of which it names no event (contract 4.2).
UNNAMED = frozenset({"status_changed", "completed", "failed", "cancelled", "expired"})
DEFAULT = ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")

_ALL_ROWS_FAILED = "the gateway never announces a completed batch without a successful row or an output file"
_EXPIRED_AS_FAILED = "the gateway announces an expired batch as batch.failed, which is not among webhook_events"


def expected(ended: Ended, events: Sequence[str]) -> tuple[Expected | Suppressed, ...]:
    """`created` if we listen for it, and the one announcement of the end. What comes in between cannot be foretold."""
    created = (f"{ended.kind}.created",) if _subscribed(events, ended.kind, "created") else ()
    end = _of_batch(ended, events) if ended.kind == "batch" else _of_other(ended, events)
    return (*([Expected(created)] if created else []), *([end] if end else []))


def coverage(subscribed: Sequence[str], events: Sequence[str]) -> Coverage:
    """What an endpoint that is subscribed to these events sends of those that are listened for (contract 4.2).

    An event of `job.`, or without a subject, is one of every kind; names that are none subscribe to nothing.
    """
    sent = {pair for name in subscribed for pair in _meant(name)}
    for kind in KINDS:
        if not any(of == kind for of, _ in sent):
            sent |= {(kind, phase) for phase in UNNAMED}
    wanted = {pair for name in events for pair in _meant(name)}
    lacking = [(kind, phase) for kind in KINDS for phase in PHASES if (kind, phase) in wanted - sent]
    # Most generations announce an expired batch as failed.
    harmless = {("batch", "expired")} if ("batch", "failed") in sent else set()
    return Coverage(
        missing=tuple(".".join(pair) for pair in lacking if pair not in harmless),
        harmless=tuple(".".join(pair) for pair in lacking if pair in harmless),
        superfluous=tuple(name for name in dict.fromkeys(subscribed) if wanted.isdisjoint(_meant(name))),
    )


def _meant(name: str) -> set[tuple[str, str]]:
    """The kinds and phases that one name subscribes to."""
    subject, dot, phase = _plain(name).rpartition(".")
    if phase not in PHASES or (dot and subject not in SUBJECTS):
        return set()
    return {(kind, phase) for kind in KINDS if subject in ("", "job", kind)}


def _plain(name: str) -> str:
    return name.strip().lower().replace("canceled", "cancelled")


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
    words = {_plain(event) for event in events}
    return not words.isdisjoint({phase, f"job.{phase}", f"{kind}.{phase}"})
