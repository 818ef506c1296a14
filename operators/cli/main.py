"""The console script. `--config PATH` may stand before or after the verb."""

import sys
from typing import Annotated

import typer

from operators.cli.context import chosen
from operators.cli.demo import demonstrating
from operators.cli.develop import develop
from operators.cli.look import look
from operators.cli.run import config_verbs, run
from operators.cli.sandbox import standing_in
from operators.cli.work import work

EPILOG = (
    "Exit codes: 0 done; 1 not possible, or not as it should be; 2 wrong usage, configuration or input; 4 no such thing; "
    "5 an ambiguous name; 6 the database cannot be used; 7 the provider refused or could not be asked."
)

app = typer.Typer(
    name="batchkeeper",
    help="Records every webhook of your asynchronous batch jobs once and for good, and brings every job to its true end.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    config: Annotated[
        str | None,
        typer.Option(
            "--config", metavar="PATH", help="The configuration; else BATCHKEEPER_CONFIG, else batchkeeper.toml."
        ),
    ] = None,
) -> None:
    chosen["config"] = config


for verbs in (run, work, look, standing_in, demonstrating, develop):
    app.add_typer(verbs)
app.add_typer(config_verbs, name="config")


def main() -> None:
    app(args=config_first(sys.argv[1:]))


def config_first(arguments: list[str]) -> list[str]:
    """Move `--config PATH` in front of the verb, wherever it stands."""
    moved: list[str] = []
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == "--":
            rest += [argument, *given]
        elif argument == "--config":
            moved += [argument, *[value for value in [next(given, None)] if value is not None]]
        elif argument.startswith("--config="):
            moved.append(argument)
        else:
            rest.append(argument)
    return moved + rest
