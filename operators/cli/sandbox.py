"""The verb `sandbox`: a loopback stand-in of every provider, in a second terminal."""

import os
from typing import Annotated

import typer

from operators.cli.context import verb
from operators.errors import BadInput
from sandbox.reached import stand_ins
from sandbox.server import DEFAULT_API_KEY, DEFAULT_WEBHOOK_SECRET, HUGE_BYTES, SandboxSettings, serve

standing_in = typer.Typer()

# What a variable of this name holds is taken in place of these. Those of other providers are not taken from the environment: a
# key of such a name is likelier to be a real one than wanted here.
DEFAULTS = {"PHASEO_API_KEY": DEFAULT_API_KEY, "PHASEO_WEBHOOK_SECRET": DEFAULT_WEBHOOK_SECRET}


_Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")]
_Speed = Annotated[float, typer.Option("--speed", help="Divides durations: at 60, nine minutes take nine seconds.")]
_Seed = Annotated[int | None, typer.Option("--seed", help="Give jobs without a scenario one drawn from this.")]
_OldBatches = Annotated[
    int, typer.Option("--old-batches", help="Begin with so many batches of somebody else's, ended days ago.")
]
_Generation = Annotated[str, typer.Option("--generation", help="Of the gateway's contract: G1a, G1b, G2 or G3.")]
_HugeBytes = Annotated[int, typer.Option("--huge-bytes", help="How large the output file of scenario output_huge is.")]
_WebhookUrl = Annotated[
    str, typer.Option("--webhook-url", help="Where the gateway's webhook endpoint delivers to; unused in G1.")
]
_OpenAIWebhookUrl = Annotated[
    str, typer.Option("--openai-webhook-url", help="Where OpenAI's webhook endpoint delivers to.")
]
_StandardWebhookUrl = Annotated[
    str, typer.Option("--standard-webhook-url", help="Where the provider by configuration delivers to.")
]


@standing_in.command()
@verb
async def sandbox(
    port: _Port = 8090,
    speed: _Speed = 1,
    seed: _Seed = None,
    old_batches: _OldBatches = 0,
    generation: _Generation = "G2",
    huge_bytes: _HugeBytes = HUGE_BYTES,
    webhook_url: _WebhookUrl = "http://127.0.0.1:8080/webhooks/gateway",
    openai_webhook_url: _OpenAIWebhookUrl = SandboxSettings.openai_webhook_url,
    standard_webhook_url: _StandardWebhookUrl = SandboxSettings.standard_webhook_url,
) -> None:
    """Run stand-ins of all providers on loopback, with faults on demand.

    One process stands in for the Phaseo gateway and, each under a path of its own, for all other providers. It prints how each is
    reached.

    Faults are named in a job's metadata, in its rows, or for a whole account by POST; docs/sandbox.md lists them all.
    --generation and --webhook-url are the gateway's. In generation G1 every create call brings the URL and the secret of its
    webhooks; since G2 they are those of the endpoint. Ctrl-C ends it.
    """
    given = {name: os.environ.get(name) for name in DEFAULTS}
    used = {name: given[name] or default for name, default in DEFAULTS.items()}
    try:
        settings = SandboxSettings(
            port,
            speed,
            seed,
            webhook_url=webhook_url,
            api_key=used["PHASEO_API_KEY"],
            webhook_secret=used["PHASEO_WEBHOOK_SECRET"],
            old_batches=old_batches,
            generation=generation,
            huge_bytes=huge_bytes,
            openai_webhook_url=openai_webhook_url,
            standard_webhook_url=standard_webhook_url,
        )
    except ValueError as error:
        raise BadInput(str(error)) from None

    def started(url: str) -> None:
        typer.echo(f"sandbox at {url}, at {speed:g} times the speed. It stands in for")
        for stand_in in stand_ins(settings, url):
            typer.echo(stand_in.told)
            for name, value in stand_in.variables.items():
                taken = given.get(name)
                typer.echo(f"{name} is taken from the environment" if taken else f"export {name}={value}")

    await serve(settings, started)
