"""Webhook endpoints, and what a job may say of where its webhooks go (contract 3.1, 4.10, 4.11)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sandbox.clock import iso_ms
from sandbox.errors import WORKSPACE_ID

ENDPOINT_DEFAULT = [f"{kind}.{phase}" for kind in ("video", "batch") for phase in ("completed", "failed", "cancelled")]


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
    """What a job asked for: an endpoint by its id, or in G1 a URL and perhaps a secret; and its own events.

    Without events it inherits. Beside an endpoint id the URL is only echoed. Without an endpoint and without a secret its
    deliveries go out unsigned.
    """

    endpoint_id: str | None = None
    events: tuple[str, ...] = ()
    url: str | None = None
    secret: str | None = None

    @property
    def has_secret(self) -> bool:
        """Every managed endpoint has one."""
        return self.endpoint_id is not None or self.secret is not None


@dataclass(frozen=True)
class Target:
    """Where one attempt goes, and how it is signed. `events` are the endpoint's own; not `live`, it is off or gone."""

    url: str
    secret: str | None
    events: tuple[str, ...] = ()
    live: bool = True


def target_of(choice: WebhookChoice, endpoints: Mapping[str, Endpoint]) -> Target:
    """As things stand at this moment."""
    if choice.endpoint_id is None:
        return Target(choice.url or "", choice.secret)
    endpoint = endpoints[choice.endpoint_id]
    return Target(endpoint.url, endpoint.secret, tuple(endpoint.events), endpoint.live)


def new_secret() -> str:
    """`whsec_` and 43 base64url characters."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def new_endpoint(name: str | None, url: str, events: list[str] | None, now: datetime) -> Endpoint:
    return Endpoint(
        str(uuid4()), name, url, ENDPOINT_DEFAULT.copy() if events is None else events, new_secret(), now, now
    )
