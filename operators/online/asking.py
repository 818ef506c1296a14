"""Asking a provider whether what is configured is right: a few questions that change nothing, each bounded in time."""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.client import Client
from reconciler.clocks import ahead
from reconciler.owned import authorization_of, client_of
from schemas.config import Config, Secret, Source
from schemas.dialects import dialect_of
from schemas.readings import Denied, KeyFails, KeyWorks, NotVisible, Response, Troubled, WebhookEndpoint
from schemas.words import Trouble

PATIENCE_SECONDS = 10.0
# Nobody was there to answer, or nobody who could: another try may go otherwise.
AWAY = frozenset({Trouble.UNREACHABLE, Trouble.TIMED_OUT, Trouble.GATEWAY, Trouble.UPSTREAM, Trouble.RATE_LIMITED})

Endpoints = tuple[WebhookEndpoint, ...] | NotVisible | Denied | Troubled


@dataclass(frozen=True, slots=True)
class Heard:
    """What a source's provider said."""

    key: KeyWorks | KeyFails
    clock: int | None = None  # how far ours is ahead of theirs (microseconds); None: no answer bore a date
    endpoints: Endpoints | None = None  # None: nothing was asked about them

    @property
    def is_away(self) -> bool:
        return isinstance(self.key, KeyFails) and self.key.trouble.trouble in AWAY


async def ask(config: Config, source: Source, clock: Callable[[], int], management_key: Secret | None) -> Heard:
    """Ask about the key, and about the webhook endpoint where the source has one.

    With a management key the endpoint is asked about with that, on the same origin; it is kept nowhere.
    """
    async with client_for(config, source, clock) as client:
        heard = await _about_key(client, source, clock)
        if source.webhook != "endpoint" or heard.is_away:
            return heard
        if management_key is None:
            endpoints = await _about_endpoints(client, source) if isinstance(heard.key, KeyWorks) else None
            return Heard(heard.key, heard.clock, endpoints)
    managing = source.model_copy(update={"api_key": management_key})
    async with client_for(config, managing, clock) as client:
        return Heard(heard.key, heard.clock, await _about_endpoints(client, source))


async def _about_key(client: Client, source: Source, clock: Callable[[], int]) -> Heard:
    """Ask one question after the other, until one is not refused as such. The first answer tells the time."""
    dialect, offset = dialect_of(source), None
    key: KeyWorks | KeyFails = KeyFails(Troubled(Trouble.REQUEST, "there is no question to ask with this key"))
    for question in dialect.check_key(source.base_url):
        asked_at = clock()
        response = await client.send(question)
        if not isinstance(response, Response):
            return Heard(KeyFails(response), offset)
        if offset is None:
            offset = ahead(response.headers.get("date"), asked_at, clock())
        key = dialect.read_key(response)
        if isinstance(key, KeyWorks) or key.trouble.trouble is not Trouble.REQUEST:
            break
    return Heard(key, offset)


async def _about_endpoints(client: Client, source: Source) -> Endpoints | None:
    dialect = dialect_of(source)
    question = dialect.webhook_endpoints(source.base_url, source.webhook_endpoint_id)
    if question is None:
        return None
    response = await client.send(question)
    return dialect.read_webhook_endpoints(response) if isinstance(response, Response) else response


def client_for(config: Config, source: Source, clock: Callable[[], int]) -> Client:
    """A person waits."""
    patience = min(PATIENCE_SECONDS, config.reconciler.request_timeout_seconds)
    hurried = source.model_copy(update={"request_timeout_seconds": patience})
    shown = authorization_of(config, hurried, dialect_of(source), clock, keeps_tokens=False)
    return client_of(config, hurried, shown)
