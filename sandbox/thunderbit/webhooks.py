"""What a webhook of Thunderbit's looks like on the wire: its body, its headers, its signature (contract 9.1, 9.2)."""

import json
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.thunderbit.jobs import Job, Snapshot, whole_second
from sandbox.thunderbit.life import FAILED, SUCCEEDED
from sandbox.thunderbit.shapes import results, spelt
from sandbox.thunderbit.signing import signature_v1, signature_v2
from sandbox.thunderbit.switches import Switches

EVENT = "batch.completed"  # for every end


def body_of(job: Job, said: str, found: Snapshot, clock: Clock, switches: Switches) -> bytes:
    """Compact JSON in UTF-8 that says that the job has ended as `said`. Here `completed` is always the rows that succeeded."""
    told: dict[str, Any] = {
        "id": job.id,
        "jobType": f"batch_{job.order.kind}",
        "status": spelt(said, job),
        "total": len(found.rows),
        "completed": found.count(SUCCEEDED),
        "failed": found.count(FAILED),
        "creditsUsed": found.credits,
        "createdAt": whole_second(job.created_at),
        "completedAt": whole_second(job.ended_at(clock)),
    }
    if switches.payload == "old":
        told = {name: value for name, value in told.items() if name not in {"jobType", "creditsUsed", "createdAt"}}
    if switches.payload == "with_rows":
        told["results"] = results(job, found, switches)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def headers_for(secret: str | None, signed_at: datetime, body: bytes, scheme: str) -> dict[str, str]:
    """Without a secret there is no signature. v1 signs no timestamp, and is taken to have sent none."""
    timestamp = str(int(signed_at.timestamp() * 1_000))
    told = {"Content-Type": "application/json", "X-Webhook-Event": EVENT}
    if scheme != "v1":
        told["X-Webhook-Timestamp"] = timestamp
    if secret is not None and scheme != "none":
        made = signature_v1(secret, body) if scheme == "v1" else signature_v2(secret, timestamp, body)
        told["X-Webhook-Signature"] = made
    return told
