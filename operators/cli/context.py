"""What every verb of the CLI shares: its configuration, its event loop, and its way of failing."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer

from operators.errors import Problem
from reconciler.owned import dialect_of
from schemas.config import Config, ConfigError, Source, find_config, load
from schemas.dialects import DIALECTS, Dialect
from storage.ledger import LedgerInUse
from storage.schema import WrongSchema
from storage.sqlite import UnsafeDatabaseFile

P = ParamSpec("P")
Answer = TypeVar("Answer")

USAGE, STORE = 2, 6
chosen: dict[str, str | None] = {"config": None}


def configuration() -> Config:
    """The configuration that --config, BATCHKEEPER_CONFIG or the working directory names.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    config = load(
        find_config(chosen["config"], os.environ),
        os.environ,
        {name: dialect.defaults for name, dialect in DIALECTS.items()},
    )
    for warning in config.warnings:
        complain(str(warning))
    return config


def source_named(config: Config, name: str) -> tuple[Source, Dialect]:
    """A configured source and its dialect."""
    source = config.sources.get(name)
    if source is None:
        raise typer.BadParameter(f"no source is called {name}; configured are: {', '.join(sorted(config.sources))}")
    return source, dialect_of(source)


def verb(body: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make an async function a verb: run it, and turn what can be foreseen into a line on standard error and an exit code."""

    @wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            asyncio.run(body(*args, **kwargs))
        except ConfigError as error:
            raise _exit(str(error), USAGE) from None
        except (UnsafeDatabaseFile, WrongSchema, LedgerInUse) as error:
            raise _exit(str(error), STORE) from None
        except Problem as problem:
            raise _exit(str(problem), problem.exit_code) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            raise _exit(error.strerror or str(error), 1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run


def complain(text: str) -> None:
    """One message on standard error."""
    typer.echo(f"batchkeeper: {text}", err=True)


def _exit(message: str, code: int) -> typer.Exit:
    complain(message)
    return typer.Exit(code)
