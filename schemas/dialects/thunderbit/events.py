"""Thunderbit's one event (contract 9.1): which delivery a job that ended should have brought, and one made by hand."""

import json
from collections.abc import Sequence

from schemas.dialects.thunderbit.delivery_key import EVENT, key_of
from schemas.dialects.thunderbit.status import WORDS
from schemas.readings import Ended, Expected
from schemas.times import SECOND, rfc3339


def expected(source: str, ended: Ended, events: Sequence[str]) -> tuple[Expected, ...]:
    """The news of the end. An expired job is one that the provider has forgotten: it has no such end, and tells of none."""
    native = next((word for word, status in WORDS.items() if status is ended.status), None)
    if EVENT not in events or native is None or not ended.status.is_terminal:
        return ()
    return (Expected((key_of(source, ended.job_id, native),), EVENT),)


def sample(job_id: str, status: str, now: int) -> bytes:
    """A compact body with the key order of the contract's example."""
    at = rfc3339(now // SECOND * SECOND)
    done = int(status == "completed")
    body = {
        "id": job_id,
        "jobType": "batch_distill",
        "status": status.upper(),
        "total": 1,
        "completed": done,
        "failed": int(status == "failed"),
        "creditsUsed": done,
        "createdAt": at,
        "completedAt": at,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
