"""How each stand-in is reached: its base URL, and its key and secrets under the names of variables that the docs give them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.server import SandboxSettings
from sandbox.standard.account import API_KEY as STANDARD_API_KEY
from sandbox.standard.account import WEBHOOK_SECRET as STANDARD_SECRET


@dataclass(frozen=True, slots=True)
class StandIn:
    """One provider that the sandbox stands in for. `webhooks` says where they go."""

    name: str
    base_url: str
    webhooks: str
    variables: Mapping[str, str]

    @property
    def told(self) -> str:
        return f"{self.name}: {self.base_url}, {self.webhooks}"


def stand_ins(settings: SandboxSettings, url: str) -> tuple[StandIn, ...]:
    """All of them, the gateway first. `url` is where the sandbox listens. A new provider is one entry."""
    each_call = "webhooks to the URL of each create call"
    to_endpoint = f"webhooks to {settings.webhook_url}" if settings.contract.has_endpoints else each_call
    return (
        StandIn(
            f"the Phaseo gateway ({settings.contract.name})",
            f"{url}/v1",
            to_endpoint,
            {"PHASEO_API_KEY": settings.api_key, "PHASEO_WEBHOOK_SECRET": settings.webhook_secret},
        ),
        StandIn(
            "OpenAI",
            f"{url}/openai/v1",
            f"webhooks to {settings.openai_webhook_url}",
            {"OPENAI_API_KEY": settings.openai_api_key, "OPENAI_WEBHOOK_SECRET": settings.openai_webhook_secret},
        ),
        StandIn(
            "Thunderbit",
            f"{url}/thunderbit/openapi/v1",
            each_call,
            {"THUNDERBIT_API_KEY": settings.thunderbit_key},
        ),
        StandIn(
            f"the document tagger, account {settings.tagger_email}",
            f"{url}/tagger",
            "no webhooks",
            {"TAGGER_PASSWORD": settings.tagger_password},
        ),
        StandIn(
            "Anthropic",
            f"{url}/anthropic/v1",
            "no webhooks",
            {"ANTHROPIC_API_KEY": settings.anthropic_key},
        ),
        StandIn(
            "a provider by configuration",
            f"{url}/standard",
            f"webhooks to {settings.standard_webhook_url}",
            {"STANDARD_API_KEY": STANDARD_API_KEY, "STANDARD_SECRET": STANDARD_SECRET},
        ),
    )
