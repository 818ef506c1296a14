"""The verb `config check`: reads the configuration and says what it amounts to. With --online it asks the providers, too.

Without, it touches nothing and asks nobody.
"""

import asyncio
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from operators.cli import present
from operators.cli.context import configuration, source_named, verb
from operators.cli.options import Json, OfSource
from operators.clock import now
from operators.errors import BadInput
from operators.queries import webhook_url
from schemas.config import Config, Secret, Source

if TYPE_CHECKING:
    from operators.online.finding import Finding

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
async def check(
    online: Annotated[
        bool,
        typer.Option("--online", help="Also ask each provider whether key, clocks and webhook endpoint are right."),
    ] = False,
    source: OfSource = None,
    management_key_env: Annotated[
        str | None,
        typer.Option(
            "--management-key-env",
            metavar="NAME",
            help="With --online: a variable that holds a management key, to look at the webhook endpoint with this once.",
        ),
    ] = None,
    in_json: Json = False,
) -> None:
    """Say all that is wrong with the configuration.

    If nothing is, say what it amounts to. With --online, each provider is asked as well, which changes nothing there: marked
    with ! is what is wrong, with - what is worth knowing. Ends with 1 when something is wrong, and with 7 when a provider
    could not be asked.
    """
    if not online and (source or management_key_env or in_json):
        raise BadInput("--source, --management-key-env and --json belong to --online")
    found = configuration()
    chosen = [source_named(found, source)[0]] if source else [one for _, one in sorted(found.sources.items())]
    key = _management_key(management_key_env, chosen)
    if not in_json:
        typer.echo(f"{found.path} is fine")
        present.fields(_amount(found))
    if online:
        await _check_online(found, chosen, key, in_json)


async def _check_online(found: Config, sources: Sequence[Source], key: Secret | None, in_json: bool) -> None:
    # Loaded here, so that a check that asks nobody loads no client.
    from operators.online.asking import ask  # noqa: PLC0415
    from operators.online.findings import exit_code, findings  # noqa: PLC0415

    heard = await asyncio.gather(*(ask(found, one, now, key) for one in sources))
    told = [findings(found, one, said, key is not None) for one, said in zip(sources, heard, strict=True)]
    if in_json:
        present.as_json([_view(one, of) for one, of in zip(sources, told, strict=True)])
    else:
        for one, of in zip(sources, told, strict=True):
            _show(one, of)
    if code := exit_code(finding for of in told for finding in of):
        raise typer.Exit(code)


def _show(source: Source, found: Sequence["Finding"]) -> None:
    typer.echo("\n" + present.heading(f"{source.name}, asked at {source.base_url}"))
    for finding in found:
        text = present.text_of(f"{finding.about}: {finding.message}", present.LONGEST_FIELD)
        for number, line in enumerate(present.wrapped(text, indent=4)):
            mark = " " if number else present.MARKS[finding.tone]
            typer.echo(f"  {mark} {present.coloured(line, finding.tone)}")


def _view(source: Source, found: Sequence["Finding"]) -> dict[str, object]:
    told = [{"about": one.about, "tone": one.tone, "message": one.message} for one in found]
    return {"source": source.name, "base_url": source.base_url, "findings": told}


def _management_key(variable: str | None, sources: Sequence[Source]) -> Secret | None:
    """The key in a variable, for the one account whose endpoint is to be looked at: it must go to no other.

    Raises:
        BadInput: there is no key in it, or it is not clear whose it is.
    """
    if variable is None:
        return None
    having = [one.name for one in sources if one.webhook == "endpoint"]
    if len(having) != 1:
        which = ", ".join(having) or "none"
        raise BadInput(
            f"a management key is for one account, and webhook endpoints have: {which}; choose with --source"
        )
    key = os.environ.get(variable, "").strip()
    if not re.fullmatch(r"[!-~]+", key):
        raise BadInput(f"the variable {variable} holds no management key; export {variable}=...")
    return Secret(key)


def _amount(found: Config) -> list[tuple[str, str]]:
    return [
        ("database", found.database.shown),
        ("receiver", f"{found.receiver.host} port {found.receiver.port}"),
        ("operators", f"{found.operators.host} port {found.operators.port}, {_entry(found)}"),
        *((f"source {name}", f"{one.dialect} at {one.base_url}") for name, one in sorted(found.sources.items())),
        *((f"webhooks of {name}", _way(found, name)) for name in sorted(found.sources)),
        *((f"target {name}", f"{one.type}, told on {one.on}") for name, one in sorted(found.handoffs.items())),
    ]


def _entry(found: Config) -> str:
    both = {"a token": found.operators.token, "a token that only looks": found.operators.read_token}
    held = [name for name, token in both.items() if token]
    return f"with {' and '.join(held)}" if held else "closed, because [operators] has no token"


def _way(found: Config, name: str) -> str:
    return "none: polling only" if found.sources[name].webhook == "none" else webhook_url(found, name)
