"""Events, as the options name them: which of them an ended job should have brought, and one made by hand."""

import json
from collections.abc import Sequence
from typing import Any

from schemas.dialects.standard.options import Options
from schemas.dialects.standard.paths import put
from schemas.dialects.standard.statuses import word_for
from schemas.readings import Ended, Expected


def expected(ended: Ended, listened_for: Sequence[str], options: Options) -> tuple[Expected, ...]:
    """One delivery, by any of the events that tell such an end and are listened for."""
    telling = tuple(
        event for event, end in options.expected_events.items() if end == ended.status and event in listened_for
    )
    return (Expected(telling),) if telling and ended.kind == options.kind else ()


def sample(event: str, job_id: str, status: str, options: Options) -> bytes:
    """A body that says no more than what is read of it. A member that is both event and status says the event."""
    body: dict[str, Any] = {}
    if options.status is not None:
        put(body, options.status, word_for(options.words, status))
    put(body, options.job, job_id)
    put(body, options.event, event)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
