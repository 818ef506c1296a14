"""OpenAI's events about batches (contract 2): which of them a batch that ended should have brought, and one made by hand."""

import json
from collections.abc import Sequence
from hashlib import sha256

from schemas.dialects.openai.objects import KIND
from schemas.readings import Coverage, Ended, Expected
from schemas.times import SECOND

BATCH_EVENTS = ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")


def expected(ended: Ended, events: Sequence[str]) -> tuple[Expected, ...]:
    """The one event of its end, if we listen for it."""
    event = f"{KIND}.{ended.status}"
    is_told = ended.kind == KIND and ended.status.is_terminal and event in events
    return (Expected((event,)),) if is_told else ()


def coverage(subscribed: Sequence[str], events: Sequence[str]) -> Coverage:
    """What an endpoint that is subscribed to these events sends of those that are listened for. Names stand for themselves."""
    return Coverage(
        missing=tuple(event for event in dict.fromkeys(events) if event not in subscribed),
        superfluous=tuple(event for event in dict.fromkeys(subscribed) if event not in events),
    )


def sample(event: str, job_id: str, now: int) -> bytes:
    """A body with the members and the order of OpenAI's own. It has no place for a status."""
    mark = sha256(f"{event}\n{job_id}".encode("utf-8", "replace")).hexdigest()[:32]
    body = {
        "object": "event",
        "id": f"evt_{mark}",
        "type": event,
        "created_at": now // SECOND,
        "data": {"id": job_id},
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
