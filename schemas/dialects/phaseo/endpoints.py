"""Managed webhook endpoints (contract 4.10, 4.11): how they are asked for, what is shown of them, and which URL they may have.

Only management keys may see them. Errors of these routes have envelope E4, which looks like an error passed on from a
provider (E3) and is told from it by the route: no provider stands behind this one.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from schemas.dialects.documents import endpoints_of
from schemas.dialects.phaseo.errors import read_envelope, read_trouble
from schemas.dialects.urls import segment
from schemas.readings import Denied, NotVisible, Question, Response, Troubled, WebhookEndpoint
from schemas.texts import clean
from schemas.words import Trouble

MOST = 100  # the most that one answer holds

_OTHER_KEYS = frozenset({"management_key_required", "management_key_scopes_required"})
_LONGEST_URL, _LONGEST_WORD, _MOST_EVENTS = 2_000, 200, 100
_COMPARED = (("id", _LONGEST_WORD), ("url", _LONGEST_URL), ("status", _LONGEST_WORD))


def ask(base_url: str, endpoint_id: str | None) -> Question:
    root = f"{base_url}/webhook-endpoints"
    return Question("GET", f"{root}?limit={MOST}" if endpoint_id is None else f"{root}/{segment(endpoint_id)}")


def register(base_url: str, url: str, events: Sequence[str]) -> Question:
    return Question("POST", f"{base_url}/webhook-endpoints", {"url": url, "events": list(events)})


def read(response: Response) -> tuple[WebhookEndpoint, ...] | NotVisible | Denied | Troubled:
    """The endpoint that was asked for, or each of the account; why there is nothing to see; or what went wrong."""
    if not 200 <= response.status < 300:
        return _refused(response)
    return endpoints_of(response, _endpoint, "an id, a URL or a status")


def why_undeliverable(url: str) -> str | None:
    """The gateway delivers to https and to public addresses; what a name leads to, it looks up itself (contract 4.10)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "it is no URL"
    if parts.scheme != "https":
        return "the gateway delivers to https:// only"
    if host == "localhost" or host.endswith(".localhost"):
        return "the gateway does not deliver to itself"
    try:
        is_public = ipaddress.ip_address(host).is_global
    except ValueError:
        return None
    return None if is_public else "the gateway delivers to public addresses only"


def _refused(response: Response) -> NotVisible | Denied | Troubled:
    envelope = read_envelope(response)
    if response.status in (401, 403) and envelope.reason in _OTHER_KEYS:
        return NotVisible(str(envelope))
    if response.status == 404 and envelope.form == "text":
        return NotVisible("this gateway shows no webhook endpoints", to_nobody=True)
    if response.status == 404:
        return Denied(str(envelope))
    trouble = read_trouble(response)
    if trouble.trouble is not Trouble.UPSTREAM:
        return trouble
    return replace(trouble, trouble=Trouble.GATEWAY if response.status >= 500 else Trouble.REQUEST)


def _endpoint(entry: object) -> WebhookEndpoint | None:
    """One endpoint, in camelCase as only this route speaks. None where it lacks what it is compared by."""
    if not isinstance(entry, dict):
        return None
    named, url, status = (_word(entry, key, most) for key, most in _COMPARED)
    events = entry.get("events")
    if not named or not url or not status or not isinstance(events, list | None):
        return None
    has_secret = entry.get("hasSecret")
    return WebhookEndpoint(
        id=named,
        url=url,
        status=status,
        is_active=status == "active",
        events=tuple(clean(name, _LONGEST_WORD) for name in (events or [])[:_MOST_EVENTS] if isinstance(name, str)),
        is_deleted=entry.get("deletedAt") is not None,
        has_secret=has_secret if isinstance(has_secret, bool) else None,
    )


def _word(entry: dict[str, Any], key: str, most: int) -> str:
    value = entry.get(key)
    return clean(value, most) if isinstance(value, str) else ""
