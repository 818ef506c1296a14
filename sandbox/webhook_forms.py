"""The webhook of a create call, in the forms that a generation takes (contract 3.1, 4.2, 10).

Since G2 it names a managed endpoint. In G1 it brings its own URL, and perhaps a secret: there are no endpoints, so an
`endpoint_id` is passed over like any unknown member. The contract does not say how G1 refuses a bad URL or secret: it is
done with the reason of every other bad webhook.
"""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from sandbox.endpoints import Endpoint, WebhookChoice
from sandbox.errors import Refused, flat
from sandbox.generations import Generation
from sandbox.subscriptions import event_names, is_listed

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def read_webhook(
    document: dict[str, Any], kind: str, endpoints: dict[str, Endpoint], generation: Generation
) -> WebhookChoice | None:
    """What the call asks for; None where it asks for no webhook."""
    if generation.has_endpoints:
        return _managed(document, kind, endpoints, generation)
    return _inline(document.get("webhook"), kind, generation)


def _managed(
    document: dict[str, Any], kind: str, endpoints: dict[str, Endpoint], generation: Generation
) -> WebhookChoice | None:
    written, shorthand = document.get("webhook"), document.get("webhook_endpoint_id")
    if not isinstance(written, dict):
        if isinstance(shorthand, str) and shorthand:
            written = {"endpoint_id": shorthand}
        elif written is None:
            return None
        else:
            raise _invalid(kind)
    endpoint_id = written.get("endpoint_id", written.get("endpointId"))
    if not isinstance(endpoint_id, str) or not endpoint_id:
        raise flat("validation_error", f"{kind}_webhook_endpoint_required")
    events = _own_events(written, kind, generation)
    endpoint = endpoints.get(endpoint_id)
    if endpoint is None or not endpoint.live:
        reason = f"{kind}_webhook_endpoint_not_found_or_inactive"
        raise flat("validation_error", reason, webhook_endpoint_id=endpoint_id)
    url = written.get("url")
    return WebhookChoice(endpoint_id, events, url if isinstance(url, str) else None)


def _inline(written: Any, kind: str, generation: Generation) -> WebhookChoice | None:
    if written is None:
        return None
    if not isinstance(written, dict):
        raise _invalid(kind)
    url, secret = written.get("url"), written.get("secret")
    if not isinstance(url, str) or not is_callback(url, generation) or not isinstance(secret, str | None):
        raise _invalid(kind)
    return WebhookChoice(None, _own_events(written, kind, generation), url, secret or None)


def _own_events(written: dict[str, Any], kind: str, generation: Generation) -> tuple[str, ...]:
    """Empty or absent inherits; some good names will do; none good, or no list at all, is refused."""
    events = written.get("events", [])
    if not isinstance(events, list):
        raise _invalid(kind)
    if generation.names_every_event and not all(is_listed(name, generation) for name in events):
        raise _invalid(kind)
    known = event_names(events, kind, generation)
    if events and not known and not generation.mends_events:
        raise _invalid(kind)
    return known


def is_callback(url: str, generation: Generation) -> bool:
    """https anywhere, except (since G1b) to a private address written as a number; http to loopback only."""
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname, parts.scheme
    except ValueError:
        return False
    if not host or scheme not in {"http", "https"}:
        return False
    if host in LOOPBACK:
        return True
    return scheme == "https" and (generation.takes_private_hosts or not _is_private(host))


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _invalid(kind: str) -> Refused:
    return flat("validation_error", f"invalid_{kind}_webhook")
