"""Webhook endpoints, and which events of a batch they are told about (contract 4.2, 4.10, 4.11)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sandbox.clock import iso_ms
from sandbox.errors import WORKSPACE_ID

PHASES = frozenset({"created", "status_changed", "progress", "completed", "failed", "cancelled", "expired"})
ENDPOINT_DEFAULT = [f"{kind}.{phase}" for kind in ("video", "batch") for phase in ("completed", "failed", "cancelled")]
LAST_RESORT = ["job.status_changed", "job.completed", "job.failed", "job.cancelled", "job.expired"]


@dataclass
class Endpoint:
    """One managed endpoint; its secret is shown when it is made and when it is rotated, never again."""

    id: str
    name: str | None
    url: str
    events: list[str]
    secret: str
    created_at: datetime
    updated_at: datetime
    status: str = "active"
    deleted_at: datetime | None = None

    @property
    def live(self) -> bool:
        return self.status == "active" and self.deleted_at is None

    def shown(self) -> dict[str, Any]:
        """The management routes speak camelCase, as nothing else does."""
        return {
            "id": self.id,
            "workspaceId": WORKSPACE_ID,
            "name": self.name,
            "url": self.url,
            "status": self.status,
            "events": self.events,
            "hasSecret": True,
            "createdBy": None,
            "createdAt": iso_ms(self.created_at),
            "updatedAt": iso_ms(self.updated_at),
            "deletedAt": iso_ms(self.deleted_at) if self.deleted_at else None,
        }


@dataclass(frozen=True)
class WebhookChoice:
    """What a batch asked for: which endpoint, its own events (empty inherits), and a URL that is only echoed."""

    endpoint_id: str
    events: tuple[str, ...] = ()
    url: str | None = None


def new_secret() -> str:
    """`whsec_` and 43 base64url characters."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def new_endpoint(name: str | None, url: str, events: list[str] | None, now: datetime) -> Endpoint:
    return Endpoint(
        str(uuid4()), name, url, ENDPOINT_DEFAULT.copy() if events is None else events, new_secret(), now, now
    )


def batch_event(written: Any) -> str | None:
    """The name as subscriptions keep it, or None where it names nothing that a batch does."""
    if not isinstance(written, str):
        return None
    name = written.strip().lower().replace("canceled", "cancelled")
    kind, dot, phase = name.rpartition(".")
    if phase not in PHASES or (dot and kind not in {"job", "batch"}):
        return None
    return name if dot else f"job.{phase}"


def batch_events(written: Iterable[Any]) -> list[str]:
    return [name for name in map(batch_event, written) if name is not None]


def is_subscribed(phase: str, own: Iterable[str], endpoint: Iterable[str]) -> bool:
    """The job's own list, else the endpoint's, else the last resort; `job.` and `batch.` names both match."""
    effective = batch_events(own) or batch_events(endpoint) or LAST_RESORT
    return f"job.{phase}" in effective or f"batch.{phase}" in effective
