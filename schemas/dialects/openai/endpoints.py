"""Webhook endpoints of a project (`resources/webhooks` of the SDK): how they are asked for, and what is shown of them.

A batch is created without naming one. They are looked at to compare them with our configuration, and for nothing else.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from schemas.dialects.documents import endpoints_of
from schemas.dialects.members import text
from schemas.dialects.openai.errors import read_envelope, read_trouble
from schemas.dialects.urls import segment
from schemas.readings import Denied, NotVisible, Question, Response, Troubled, WebhookEndpoint
from schemas.texts import clean

NAME = "batchkeeper"  # an endpoint has to have one
LISTED = "listed"  # OpenAI has no word for the state of an endpoint: it is there, or it is not

_MOST, _LONGEST_URL, _MOST_EVENTS = 100, 2_000, 100


def ask(base_url: str, endpoint_id: str | None) -> Question:
    root = f"{base_url}/webhook_endpoints"
    return Question("GET", f"{root}?limit={_MOST}" if endpoint_id is None else f"{root}/{segment(endpoint_id)}")


def register(base_url: str, url: str, events: Sequence[str]) -> Question:
    body: dict[str, object] = {"name": NAME, "url": url, "event_types": list(events)}
    return Question("POST", f"{base_url}/webhook_endpoints", body)


def read(response: Response) -> tuple[WebhookEndpoint, ...] | NotVisible | Denied | Troubled:
    """The endpoint that was asked for, or each of the project; why there is nothing to see; or what went wrong."""
    if not 200 <= response.status < 300:
        return _refused(response)
    return endpoints_of(response, _endpoint, "an id or a URL")


def why_undeliverable(url: str) -> str | None:
    """ "The HTTPS URL that receives webhook deliveries", says `types/webhooks/webhook_endpoint.py`."""
    try:
        is_https = urlsplit(url).scheme == "https"
    except ValueError:
        return "it is no URL"
    return None if is_https else "OpenAI delivers to https:// only"


def _refused(response: Response) -> NotVisible | Denied | Troubled:
    """Whether the key works at all has been asked before: one that may not see endpoints may be good for batches."""
    envelope = read_envelope(response)
    if response.status in (401, 403):
        return NotVisible(str(envelope))
    if response.status == 404 and envelope.is_about_address:
        return NotVisible("no webhook endpoints are shown at this address", to_nobody=True)
    return Denied(str(envelope)) if response.status == 404 else read_trouble(response)


def _endpoint(entry: object) -> WebhookEndpoint | None:
    if not isinstance(entry, dict):
        return None
    named, url, events = text(entry.get("id")), text(entry.get("url"), _LONGEST_URL), entry.get("event_types")
    if not named or not url or not isinstance(events, list | None):
        return None
    names = [clean(name, 200) for name in (events or [])[:_MOST_EVENTS] if isinstance(name, str)]
    return WebhookEndpoint(named, url, LISTED, is_active=True, events=tuple(names))
