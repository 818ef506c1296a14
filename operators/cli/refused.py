"""The verbs about requests that were not accepted: refusal shows one whole, reverify verifies the kept ones once more."""

from typing import Annotated

import typer

from operators import acts, reverifying
from operators.cli import present
from operators.cli.columns import REVERIFIED, WIDTHS
from operators.cli.context import configuration, verb
from operators.cli.options import Json
from operators.clock import now
from operators.errors import BadInput
from operators.refused import show_refusal
from operators.reverifying import Asked
from operators.store import opened
from operators.views import View

refused = typer.Typer()


@refused.command()
@verb
async def refusal(
    name: Annotated[str, typer.Argument(metavar="REFUSAL", help="Its id, ref_....")], in_json: Json = False
) -> None:
    """Show one refusal whole: what it presented, whether its request is kept, and whether it was taken in later."""
    async with opened(configuration()) as store, store.reading() as connection:
        found = await show_refusal(connection, name)
    if in_json:
        present.as_json(found)
        return
    typer.echo(present.heading(found["id"]))
    present.fields(_fields(found).items())
    if found["request"] is not None:
        typer.echo("\n" + present.heading("what its request presented (anybody can write this)"))
        present.fields(_presented(found["request"]).items())


@refused.command()
@verb
async def reverify(
    source: Annotated[str, typer.Option("--source", metavar="SOURCE", help="Whose refused requests.")],
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Only those that arrived from then on: RFC 3339, or how long ago."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only those that arrived before then.")
    ] = None,
    clock_ahead: Annotated[
        float,
        typer.Option(
            "--clock-ahead",
            metavar="SECONDS",
            help="How far our clock was ahead when they arrived; below zero where it was behind.",
        ),
    ] = 0.0,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="WHY", help="Why; needed with --yes, and kept with the source.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken in.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take it in; without it, only what would be taken in is said.")
    ] = False,
    in_json: Json = False,
) -> None:
    """Verify refused requests once more, when a secret or a clock has been mended.

    What was authentic at its arrival is taken in, in order of arrival, and nothing else: signatures are checked against the
    secrets that the source has now, times against the time of arrival. It may run while the service does, and twice.
    """
    is_dry = dry_run or not yes
    if reason is not None or not is_dry:
        acts.check_reason(reason or "", "--reason")
    config = configuration()
    scope = reverifying.read_scope(config, source, since, until, clock_ahead, now())
    async with opened(config) as store:
        done = await reverifying.reverify(store, scope, now(), None if is_dry else Asked("cli", reason or ""))
    if in_json:
        present.as_json(done)
    else:
        _tell(done)
    if not (dry_run or yes) and done["authentic"]:
        raise BadInput(f"{done['authentic']} would be taken in; add --yes and a --reason to have that done")


def _fields(found: View) -> View:
    taken, request = found["taken_in"], found["request"]
    if taken:
        later = f"yes, at {present.moment(taken['at'])} UTC, as {taken['receipt']}"
    else:
        later = "no; `batchkeeper reverify` looks at it once more" if request else "no"
    return {
        "source": found["source"] or "(unknown)",
        "reason": found["reason"],
        "likely cause": found["likely_cause"],
        "received": f"{present.moment(found['received_at'])} UTC",
        "answered": found["http_status"],
        "from": found["remote"],
        "bytes": found["body_bytes"],
        "request kept": "yes" if request else "no",
        "taken in later": later,
        "what to do": f"see {found['page']}",
    }


def _presented(request: View) -> View:
    seconds = request["signed_seconds_before_arrival"]
    return {
        "signed as": request["scheme"],
        "signed at": f"{present.moment(request['signed_at'])} UTC" if request["signed_at"] else None,
        "before it came": f"{seconds:.1f} s" if seconds is not None else None,
        "message id": request["message_id"],
        **request["fields"],
        "submission": request["submission"],
    }


def _tell(done: View) -> None:
    if not done["requests"]:
        typer.echo(
            f"no refused request of {done['source']} is kept and waits there; `batchkeeper refusals` lists them all"
        )
        return
    present.table(done["requests"], REVERIFIED, WIDTHS, rare=("message",))
    what = "would be taken in" if done["dry_run"] else "taken in"
    typer.echo(f"{done['authentic']} of {done['looked_at']} {what}")
