"""What a provider's answers say about a source's webhook: can our URL be reached, and is it the account's endpoint's? Pure."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from operators.online.asking import Heard
from operators.online.finding import Finding, Tone, troubled
from operators.queries import webhook_url
from schemas.config import Config, Source
from schemas.config.addresses import is_loopback
from schemas.dialects import dialect_of
from schemas.readings import Denied, KeyWorks, NotVisible, Troubled, WebhookEndpoint
from schemas.words import Trouble


def of_webhook(config: Config, source: Source, heard: Heard, has_management_key: bool) -> Iterator[Finding]:
    """Everything about the webhook of a source whose provider could be asked."""
    ours = webhook_url(config, source.name)
    match source.webhook:
        case "none":
            yield _said("good", "none: polling only")
        case "inline":
            yield from list(_reach(config, source, ours)) or [_said("good", f"each new job is told {ours}")]
        case "endpoint":
            yield from _reach(config, source, ours)
            yield from _endpoint(source, ours, heard, has_management_key)


def _reach(config: Config, source: Source, ours: str) -> Iterator[Finding]:
    """Whether a provider on another machine could deliver to our URL, as far as the URL tells."""
    if is_loopback(_host(source.base_url)):
        return
    if config.receiver.public_url is None or is_loopback(_host(ours)):
        yield _said("failure", f"{ours} leads the provider to its own machine: set public_url in [receiver]")
    elif why := dialect_of(source).why_undeliverable(ours):
        yield _said("note", f"nothing may arrive at {ours}: {why}")


def _endpoint(source: Source, ours: str, heard: Heard, has_management_key: bool) -> Iterator[Finding]:
    by_hand, or_ask = _by_hand(source, ours), "or ask with a management key: --management-key-env NAME"
    match heard.endpoints:
        case None if isinstance(heard.key, KeyWorks):
            look = by_hand if source.webhook_endpoint_id else f"look there by hand: {_wanted(source, ours)}"
            yield _said("note", f"the provider has no endpoints that could be asked about; {look}")
        case None:
            yield _said("note", "the endpoint is not asked for before that is right")
        case NotVisible(message, to_nobody=True):
            yield _said("note", f"{message}; {by_hand}")
        case NotVisible(message) if has_management_key:
            yield _said("failure", f"the management key may not see the endpoint: {message}")
        case NotVisible(message):
            yield _said("note", f"this key may not see the endpoint ({message}); {by_hand}; {or_ask}")
        case Denied(message):
            yield _said("failure", f"the account has no such endpoint ({message}): is webhook_endpoint_id right?")
        case Troubled() as trouble:
            advice = "is it a management key of this account?" if trouble.trouble is Trouble.KEY_REFUSED else None
            yield troubled("webhook", trouble, advice)
        case endpoints if source.webhook_endpoint_id is None:
            yield _which(source, ours, endpoints)
        case endpoints:
            yield from _compared(source, ours, endpoints)


def _by_hand(source: Source, ours: str) -> str:
    wanted = _wanted(source, ours)
    if source.webhook_endpoint_id is None:
        return f"webhook_endpoint_id is not set; look by hand for the endpoint's: {wanted}"
    return f"compare the endpoint {source.webhook_endpoint_id} by hand: {wanted}"


def _wanted(source: Source, ours: str) -> str:
    events = f", events {', '.join(source.webhook_events)}" if source.webhook_events else ""
    return f"active, URL {ours}{events}"


def _which(source: Source, ours: str, endpoints: tuple[WebhookEndpoint, ...]) -> Finding:
    """No endpoint is named: which of the account's are ours?"""
    found = [f"{one.id} ({one.status})" for one in endpoints if is_same_url(one.url, ours) and not one.is_deleted]
    if not found:
        what = f"none of the {len(endpoints)} endpoints that the account shows has our URL {ours}"
        return _said("failure", f"{what}: register it; `batchkeeper sources` prints how")
    what = f"webhook_endpoint_id is not set; our URL is that of {', '.join(found)}"
    return _said("note", f"{what}: write the id into [sources.{source.name}]")


def _compared(source: Source, ours: str, endpoints: tuple[WebhookEndpoint, ...]) -> Iterator[Finding]:
    one = next((each for each in endpoints if each.id == source.webhook_endpoint_id), None)
    if one is None:
        yield _said("failure", "the answer is about another endpoint than webhook_endpoint_id: is base_url right?")
        return
    wrong = list(_wrong(source, ours, one))
    yield from (_said("failure", message) for message in wrong)
    if not wrong:
        yield _said("good", f"the endpoint {one.id} is active, and has our URL and our events")
    coverage = dialect_of(source).coverage(one.events, source.webhook_events)
    if coverage.harmless:
        told = ", ".join(coverage.harmless)
        yield _said("note", f"the endpoint is not subscribed to {told}, of which another of its events tells")
    if coverage.superfluous:
        more = ", ".join(coverage.superfluous)
        yield _said("note", f"the endpoint is also subscribed to {more}, which webhook_events does not name")


def _wrong(source: Source, ours: str, one: WebhookEndpoint) -> Iterator[str]:
    """What keeps this endpoint from sending us what we listen for."""
    if one.is_deleted:
        yield f"the endpoint {one.id} was deleted: register another; `batchkeeper sources` prints how"
    elif not one.is_active:
        yield f"the endpoint {one.id} is {one.status} and sends nothing: make it active"
    if not is_same_url(one.url, ours):
        yield f"the endpoint's URL is {one.url} and ours is {ours}: change one of the two"
    if one.has_secret is False:
        yield "the endpoint has no secret, and so sends nothing: rotate its secret, and configure the new one here"
    if missing := ", ".join(dialect_of(source).coverage(one.events, source.webhook_events).missing):
        # A job that is submitted from here brings the events along.
        yield f"the endpoint is not subscribed to {missing}, of which jobs made elsewhere then do not tell: subscribe it"


def is_same_url(one: str, other: str) -> bool:
    """Whether two URLs lead to the same place, written perhaps in another case or with a port that goes without saying."""
    return _parts(one) == _parts(other)


def _parts(url: str) -> tuple[object, ...]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.username, parts.password, parts.hostname, port, parts.path, parts.query
    except ValueError:
        return (url,)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _said(tone: Tone, message: str) -> Finding:
    return Finding("webhook", tone, message)
