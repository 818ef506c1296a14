"""The verb `config check`: reads the configuration and says what it amounts to. Touches nothing."""

import typer

from operators.cli import present
from operators.cli.context import configuration, verb
from operators.queries import webhook_url
from schemas.config import Config

config_verbs = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
config = typer.Typer()
config.add_typer(config_verbs, name="config")


@config.callback()
def only_a_group() -> None:
    """Keeps `config` a verb with verbs of its own."""


@config_verbs.callback()
def only_another() -> None:
    """Look at the configuration."""


@config_verbs.command()
@verb
async def check() -> None:
    """Say all that is wrong with the configuration.

    If nothing is, say what it amounts to.
    """
    found = configuration()
    typer.echo(f"{found.path} is fine")
    present.fields(_amount(found))


def _amount(found: Config) -> list[tuple[str, str]]:
    return [
        ("database", found.database.shown),
        ("receiver", f"{found.receiver.host} port {found.receiver.port}"),
        ("operators", f"{found.operators.host} port {found.operators.port}, {_entry(found)}"),
        *((f"source {name}", f"{one.dialect} at {one.base_url}") for name, one in sorted(found.sources.items())),
        *((f"webhooks of {name}", _way(found, name)) for name in sorted(found.sources)),
    ]


def _entry(found: Config) -> str:
    return "with a token" if found.operators.token else "closed, because [operators] has no token"


def _way(found: Config, name: str) -> str:
    return "none: polling only" if found.sources[name].webhook == "none" else webhook_url(found, name)
