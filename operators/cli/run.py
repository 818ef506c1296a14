"""The verbs that run the service or prepare it: up, receive, reconcile, migrate, config check."""

from typing import Annotated

import typer

from operators import logs, running
from operators.cli import present
from operators.cli.context import configuration, verb
from operators.cli.look import Json
from operators.clock import now
from operators.queries import webhook_url
from storage import schema
from storage.store import Store

run = typer.Typer()
config_verbs = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@run.command()
@verb
async def up() -> None:
    """Run receiver, reconciler and operators' app in one process. Migrates the database by itself."""
    config = configuration()
    logs.configure()
    await running.up(config)


@run.command()
@verb
async def receive() -> None:
    """Run the receiver alone: it takes webhooks and records them."""
    config = configuration()
    logs.configure()
    await running.receive(config)


@run.command()
@verb
async def reconcile(
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, then end.")] = False, in_json: Json = False
) -> None:
    """Run the reconciler alone: it judges what arrived, asks the provider, and classifies."""
    config = configuration()
    logs.configure()
    if not once:
        await running.reconcile(config)
        return
    done = await running.reconcile_once(config)
    if in_json:
        present.as_json(done)
        return
    for source, count in done.items():
        typer.echo(
            f"{source}: " + ("another reconciler owns it, nothing done" if count is None else f"{count} things done")
        )


@run.command()
@verb
async def migrate() -> None:
    """Make the tables, or bring them up to date. `up` does this by itself."""
    config = configuration()
    store = Store(config.database.path, now)
    try:
        changed = await schema.migrate(store)
    finally:
        await store.close()
    typer.echo(f"{config.database.path}: " + ("brought up to date" if changed else "up to date already"))


@config_verbs.command()
@verb
async def check() -> None:
    """Read the configuration and say all that is wrong with it, or what it amounts to."""
    config = configuration()
    typer.echo(f"{config.path} is fine")
    typer.echo(f"database   {config.database.path}")
    typer.echo(f"receiver   {config.receiver.host} port {config.receiver.port}")
    typer.echo(f"operators  {config.operators.host} port {config.operators.port}")
    for name, source in sorted(config.sources.items()):
        way = "polling only" if source.webhook == "none" else f"webhooks at {webhook_url(config, name)}"
        typer.echo(f"source     {name}: {source.dialect} at {source.base_url}, {way}")
