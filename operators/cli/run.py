"""The verbs that run the service or prepare it: up, receive, reconcile, operate, migrate."""

from typing import Annotated

import typer

from operators import logs, running
from operators.cli import present
from operators.cli.context import complain, configuration, verb
from operators.cli.options import Json
from operators.clock import now
from operators.errors import ProviderProblem
from operators.store import opened
from schemas.config import Config
from schemas.tables import SourceRow
from storage import schema, sources
from storage.store import Store, engine_for

run = typer.Typer()


@run.command()
@verb
async def up() -> None:
    """Run receiver, reconciler and operators' app in one process.

    Migrates the database by itself. Ctrl-C or SIGTERM ends it in good order.
    """
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
    """Run the reconciler alone: it judges what arrived, asks the provider, and classifies.

    With --once it ends with 7 when a source could not be asked.
    """
    config = configuration()
    logs.configure()
    if once:
        await _reconcile_once(config, in_json)
    else:
        await running.reconcile(config)


@run.command()
@verb
async def operate() -> None:
    """Run the operators' app alone: what operators look at, ask for and measure, over HTTP."""
    config = configuration()
    logs.configure()
    await running.operate(config)


@run.command()
@verb
async def migrate() -> None:
    """Make the tables, or bring them up to date.

    `up` does this by itself.
    """
    config = configuration()
    store = Store(engine_for(config.database.url), now)
    try:
        changed = await schema.migrate(store)
    finally:
        await store.close()
    typer.echo(f"{store.place}: " + ("brought up to date" if changed else "up to date already"))


async def _reconcile_once(config: Config, in_json: bool) -> None:
    done = await running.reconcile_once(config)
    if in_json:
        present.as_json(done)
    else:
        for source, count in done.items():
            typer.echo(f"{source}: {_amount(count)}")
    troubled = [row for row in await _rows(config) if row.name in config.sources and row.trouble]
    for row in troubled[:-1]:
        complain(_trouble(row))
    if troubled:
        raise ProviderProblem(_trouble(troubled[-1]))


async def _rows(config: Config) -> list[SourceRow]:
    async with opened(config) as store, store.reading() as connection:
        return await sources.all_of_them(connection)


def _amount(count: int | None) -> str:
    if count is None:
        return "another reconciler owns it, nothing done"
    return "one thing done" if count == 1 else f"{count or 'no'} things done"


def _trouble(row: SourceRow) -> str:
    return f"{row.name} cannot be asked at present: {row.trouble_message} ({row.trouble})"
