"""The console script: which verbs there are, and in which module each lives. Only the module of the verb is loaded.

`--config PATH` may stand before or after the verb.
"""

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from operators.cli.context import chosen, complain, hush
from operators.cli.failing import told
from operators.errors import BadInput, Problem

# Each section of the help: each verb, where it lives, and what it does, as the first line of its own help says it.
SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Run": {
        "up": ("run:run", "Run receiver, reconciler and operators' app in one process."),
        "receive": ("run:run", "Run the receiver alone: it takes webhooks and records them."),
        "reconcile": (
            "run:run",
            "Run the reconciler alone: it judges what arrived, asks the provider, and classifies.",
        ),
        "operate": (
            "run:run",
            "Run the operators' app alone: what operators look at, ask for and measure, over HTTP.",
        ),
        "healthcheck": (
            "healthcheck:checking",
            "Ask the service that runs here whether it is well, as a container's probe does.",
        ),
        "migrate": ("run:run", "Make the tables, or bring them up to date."),
        "config": ("config:config", "Look at the configuration."),
    },
    "Work": {
        "submit": ("submit:submit", "Check a file of requests, upload it, create batches of it, and watch those."),
        "wait": ("wait:waiting", "Wait until a job or a group is done, whoever submitted it."),
        "track": ("work:work", "Take in a job that was made elsewhere: it is asked about until it has ended."),
        "cancel": (
            "work:work",
            "Ask the provider to cancel a job, every job of a group, or every open job of a scope.",
        ),
        "pause": ("work:work", "Ask the provider to hold a job back, where it can; or every open job of a scope."),
        "resume": ("work:work", "Ask the provider to go on with a paused job; or with every one of a scope."),
    },
    "Look": {
        "status": (
            "status:standing",
            "Say how things stand: jobs, failures, trouble with our own asking, deliveries, hand-offs, sources.",
        ),
        "dashboard": ("dashboard:opening", "Print a link that opens the dashboard."),
        "jobs": ("look:look", "List jobs, the newest first."),
        "job": ("one_job:one_job", "Show everything that is kept about one job."),
        "groups": ("group:fan", "List groups of jobs that were submitted as one piece of work, the newest first."),
        "group": ("group:fan", "Show one group: how many of its jobs are where, what they cost, and each of them."),
        "submissions": (
            "group:fan",
            "List what was submitted from here, the newest first: how far each part came, and when it goes on.",
        ),
        "results": ("results:show", "Print the rows of a job or a group, in the order in which they were asked for."),
        "watch": ("watch:live", "Show one job live, until it has ended."),
        "explain": ("one_job:one_job", "Say what is known about a job, and what each statement rests on."),
        "audit": (
            "audit:auditing_verb",
            "Compare the provider's ledger of its deliveries with ours, over every job, and tell each difference.",
        ),
        "deliveries": ("look:look", "List deliveries, the newest first."),
        "failures": ("look:look", "List failures of execution, cancellation and delivery, the newest first."),
        "handoffs": (
            "handoffs:handing",
            "List what downstream was told or is to be told, the newest first.",
        ),
        "handoff": ("handoffs:handing", "Show one hand-off whole, with its event as it is sent."),
        "refusals": ("look:look", "List requests that were not accepted, the newest first."),
        "refusal": (
            "refused:refused",
            "Show one refusal whole: what it presented, whether its request is kept, and whether it was taken in later.",
        ),
        "receipts": ("look:look", "List accepted requests, the newest first: a delivery that came again has several."),
        "actions": (
            "look:look",
            "List what operators and automation asked for, the newest first, and what came of it.",
        ),
        "events": (
            "events:happening",
            "Print what happens, the oldest first: deliveries, refusals, moves, failures, findings, actions, hand-offs.",
        ),
        "sources": ("look:look", "List the configured sources, with the URL to register at each provider."),
    },
    "Mend": {
        "resubmit": (
            "group:fan",
            "Send a submission once more that was refused or dropped, or of which nobody knows whether it made a job.",
        ),
        "poll": ("work:work", "Have the provider asked about a job now; or about every open job of a scope."),
        "replay": ("handoffs:handing", "Have hand-offs told again, each under its own id."),
        "reverify": ("refused:refused", "Verify refused requests once more, when a secret or a clock has been mended."),
    },
    "Develop": {
        "demo": ("demo:demonstrating", "Play jobs at every provider against a sandbox, and show how each ended."),
        "sandbox": ("sandbox:standing_in", "Run stand-ins of all providers on loopback, with faults on demand."),
        "sign": ("develop:develop", "Make a signed delivery by hand, and print it as a curl command."),
        "send": ("develop:develop", "Make a signed delivery by hand and post it."),
    },
}
PLACES = {name: place for verbs in SECTIONS.values() for name, (place, _) in verbs.items()}

EPILOG = (
    "Exit codes: 0 done; 1 not possible, or not as it should be; 2 wrong usage, configuration or input; 3 an audit that found "
    "something; 4 no such thing; 5 an ambiguous name; 6 the database cannot be used; 7 the provider refused or could not be "
    "asked; 10 to 16 how work came out that was waited for (`batchkeeper wait --help`)."
)


class Verbs(TyperGroup):
    """Every verb, each loaded when it is called for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(PLACES)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        module, _, name = PLACES[cmd_name].partition(":")
        verbs: typer.Typer = getattr(import_module(f"operators.cli.{module}"), name)
        verbs.rich_markup_mode = None
        return typer.main.get_group(verbs).get_command(ctx, cmd_name)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        if args[0] not in PLACES:
            near = [f"`{name}`" for name in get_close_matches(args[0], PLACES)]
            advice = f"did you mean {' or '.join(near)}?" if near else "`batchkeeper --help` lists them"
            raise BadInput(f"there is no verb {args[0]}; {advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in verbs.items()])


app = typer.Typer(
    name="batchkeeper",
    cls=Verbs,
    help="Records every webhook of your asynchronous batch jobs once and for good, and brings every job to its true end.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
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


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(args=config_first(sys.argv[1:]))
    except (Problem, KeyboardInterrupt) as error:
        message, code = told(error)
        complain(message)
        sys.exit(code)
    finally:
        _flush()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hush()


def config_first(arguments: list[str]) -> list[str]:
    """Move `--config PATH` in front of the verb, wherever it stands.

    Raises:
        BadInput: no path follows.
    """
    moved: list[str] = []
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        if argument == "--":
            rest += [argument, *given]
        elif argument == "--config":
            path = next(given, None)
            if path is None:
                raise BadInput("--config names no file; write --config PATH")
            moved += [argument, path]
        elif argument.startswith("--config="):
            moved.append(argument)
        else:
            rest.append(argument)
    return moved + rest
