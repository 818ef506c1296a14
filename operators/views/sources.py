"""Sources: how each is asked, and what stands against it."""

import json

from operators import documented
from operators.views.view import View
from reconciler.explain_delivery import axis_of
from schemas.config import Source
from schemas.dialects import dialect_of
from schemas.ids import shown
from schemas.tables import FindingRow, ReverificationRow, SourceRow
from schemas.times import SECOND, rfc3339, rfc3339_or_none


def asking(row: SourceRow | None, source: Source, now: int) -> View:
    """How a source is asked, as its reconciler last recorded it. A source that never ran here has asked nothing."""
    row = row or SourceRow(name=source.name, dialect=source.dialect, listening_since=now, asked_last_minute=0)
    return {
        "circuit": circuit(row, now),
        "requests": {
            "per_minute": source.requests_per_minute,
            "last_minute": row.asked_last_minute,
            "left": row.budget_left,
            "recorded_at": rfc3339_or_none(row.recorded_at),
        },
        "list": {
            "exists": bool(dialect_of(source).listed_kinds),
            "trust_seconds": source.list_trust_seconds,
            "asked_at": rfc3339_or_none(row.listed_at),
            "sweep_seconds": source.sweep_seconds,
            "swept_at": rfc3339_or_none(row.swept_at),
            "shows_all": None if row.swept_at is None else not row.list_is_full,
            "message": row.list_message,
            "unreadable": row.list_unreadable,
        },
        "orphans": json.loads(row.orphans),
        "heard": {
            "at": rfc3339_or_none(row.heard_at),
            "unheard_ends": row.unheard_ends,
            "unheard_since": rfc3339_or_none(row.unheard_since),
        },
        "clock": {"ahead_seconds": None if row.clock_ahead is None else round(row.clock_ahead / SECOND)},
    }


def circuit(row: SourceRow, now: int) -> str:
    """Whether a source is asked at all: `open` means that it is left alone for now."""
    again = row.asking_again_at
    return "closed" if again is None else "open" if again > now else "trying"


def reverification(row: ReverificationRow) -> View:
    """Who had refused requests of a source verified once more, and why. `ended_at` is missing while they are at it, or when they
    were killed."""
    return {
        "id": shown("rvf", row.id),
        "face": row.face,
        "reason": row.reason,
        "asked_at": rfc3339(row.asked_at),
        "since": rfc3339_or_none(row.since),
        "until": rfc3339_or_none(row.until),
        "clock_ahead_seconds": row.clock_ahead / SECOND,
        "taken_in": row.taken_in,
        "ended_at": rfc3339_or_none(row.ended_at),
    }


def source_finding(row: FindingRow) -> View:
    """A finding about a whole source."""
    return {
        "id": shown("fnd", row.id),
        "source": row.source,
        "axis": axis_of(row.rule),
        "rule": row.rule,
        "subject": row.subject or None,
        "state": "standing" if row.closed_at is None else "closed",
        "message": row.message,
        "facts": json.loads(row.evidence),
        "revision": row.revision,
        "began_at": rfc3339(row.began_at),
        "seen_at": rfc3339(row.seen_at),
        "closed_at": rfc3339_or_none(row.closed_at),
        "page": documented.source_rule(row.rule),
    }
