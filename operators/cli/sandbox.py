"""The verb `sandbox`: a loopback stand-in of the gateway, in a second terminal."""

import os
from typing import Annotated

import typer

from operators.cli.context import verb
from operators.errors import BadInput
from sandbox.server import DEFAULT_API_KEY, DEFAULT_WEBHOOK_SECRET, HUGE_BYTES, SandboxSettings, serve

standing_in = typer.Typer()

# What a variable of this name holds is taken in place of these.
DEFAULTS = {"PHASEO_API_KEY": DEFAULT_API_KEY, "PHASEO_WEBHOOK_SECRET": DEFAULT_WEBHOOK_SECRET}


@standing_in.command()
@verb
async def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")] = 8090,
    speed: Annotated[
        float, typer.Option("--speed", help="Divides durations: at 60, nine minutes take nine seconds.")
    ] = 1,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Give jobs without a scenario one drawn from this.")
    ] = None,
    old_batches: Annotated[
        int, typer.Option("--old-batches", help="Begin with so many batches of somebody else's, ended days ago.")
    ] = 0,
    generation: Annotated[
        str, typer.Option("--generation", help="Of the gateway's contract: G1a, G1b, G2 or G3.")
    ] = "G2",
    huge_bytes: Annotated[
        int, typer.Option("--huge-bytes", help="How large the output file of scenario output_huge is.")
    ] = HUGE_BYTES,
    webhook_url: Annotated[
        str, typer.Option("--webhook-url", help="Where its webhook endpoint delivers to; unused in G1.")
    ] = "http://127.0.0.1:8080/webhooks/gateway",
    openai_webhook_url: Annotated[
        str, typer.Option("--openai-webhook-url", help="Where its stand-in for OpenAI delivers to.")
    ] = SandboxSettings.openai_webhook_url,
) -> None:
    """Run a stand-in of the Phaseo gateway on loopback, with faults on demand.

    In generation G1 every create call brings the URL and the secret of its webhooks; since G2 they are those of the endpoint.

    It has files, batches, videos and live updates. Faults are named in a job's metadata, or for the whole account by
    POST /sandbox/fault; docs/sandbox.md lists them, and what differs between the generations. Under
    /openai it stands in for OpenAI, under /anthropic for Anthropic. Ctrl-C ends it.
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
        )
    except ValueError as error:
        raise BadInput(str(error)) from None

    def started(url: str) -> None:
        typer.echo(f"sandbox at {url}/v1 of {settings.told}")
        for name, value in used.items():
            typer.echo(f"{name} is taken from the environment" if given[name] else f"export {name}={value}")
        typer.echo(f"and OpenAI at {url}/openai/v1, delivering to {settings.openai_webhook_url}")
        # Not taken from the environment: a key of that name is likelier to be a real one than wanted here.
        typer.echo(f"export OPENAI_API_KEY={settings.openai_api_key}")
        typer.echo(f"export OPENAI_WEBHOOK_SECRET={settings.openai_webhook_secret}")
        typer.echo(f"and Anthropic at {url}/anthropic/v1, which sends no webhooks")
        typer.echo(f"export ANTHROPIC_API_KEY={settings.anthropic_key}")

    await serve(settings, started)
