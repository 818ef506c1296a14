"""What every verb of the CLI shares: its configuration, its event loop, and its way of failing."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import typer
import uvloop

from operators.cli.failing import told
from operators.errors import BadInput
from schemas.texts import clean

if TYPE_CHECKING:
    from schemas.config import Config, Source
    from schemas.dialects import Dialect

P = ParamSpec("P")

LONGEST_LINE = 2_000
chosen: dict[str, str | None] = {"config": None}


def configuration() -> "Config":
    """The configuration that --config, BATCHKEEPER_CONFIG or the working directory names.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    # Loaded here, so that a verb without a configuration, such as `sandbox`, starts without it.
    from schemas.config import find_config, load  # noqa: PLC0415
    from schemas.dialects import DEFAULTS  # noqa: PLC0415

    path = find_config(chosen["config"], os.environ)
    config = load(path, os.environ, DEFAULTS)
    for warning in config.warnings:
        complain(str(warning))
    return config


def source_named(config: "Config", name: str) -> "tuple[Source, Dialect]":
    """A configured source and its dialect."""
    from schemas.dialects import dialect_of  # noqa: PLC0415

    source = config.sources.get(name)
    if source is None:
        raise BadInput(f"no source is called {name}; configured are: {', '.join(sorted(config.sources))}")
    return source, dialect_of(source)


def verb(body: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make an async function a verb: run it, and turn whatever goes wrong into words on standard error and an exit code."""

    @wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(body(*args, **kwargs))
        except typer.Exit:
            raise
        except BrokenPipeError:
            hush()
        except (Exception, KeyboardInterrupt) as error:
            message, code = told(error)
            complain(message)
            raise typer.Exit(code) from None

    return run


def complain(text: str) -> None:
    """One message on standard error, without anything that a terminal would obey."""
    lines = [clean(line, LONGEST_LINE) for line in text.split("\n")]
    typer.echo("batchkeeper: " + "\n".join(lines), err=True)


def hush() -> None:
    """Nobody reads standard output any more, as when `head` has seen enough: that is no mishap."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
