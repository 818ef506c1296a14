"""The verb submit: from a file of requests to a batch that is watched."""

from pathlib import Path
from typing import Annotated

import typer

from operators.cli.context import complain, configuration, source_named, verb
from operators.cli.options import Json
from operators.cli.work import hint, show_job
from operators.clock import now
from operators.errors import BadInput
from operators.rows_file import read_rows
from operators.store import opened
from operators.submitting import Submitting
from reconciler.owned import client_of

submit = typer.Typer()


@submit.command("submit")
@verb
async def submit_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSONL: one request a line, each with a custom_id of its own.")
    ],
    source: Annotated[str, typer.Option("--source", metavar="SOURCE", help="Where to submit it.")],
    metadata: Annotated[
        list[str] | None, typer.Option("--metadata", metavar="K=V", help="Sent along; may be repeated.")
    ] = None,
    in_json: Json = False,
) -> None:
    """Check a file of requests, upload it, create a batch of it, and watch that."""
    config = configuration()
    chosen, dialect = source_named(config, source)
    told = _silent if in_json else complain
    pairs = metadata_of(metadata or [])
    rows = read_rows(file)
    async with opened(config) as store:
        async with client_of(config, chosen) as client:
            job = await Submitting(config, chosen, dialect, store, client, now, told).submit(rows, pairs)
        show_job(job, in_json, "it is watched from now on")
        await hint(store, source)


def metadata_of(texts: list[str]) -> dict[str, str]:
    """What `--metadata K=V` says, given several times.

    Raises:
        BadInput: one is not of that form, or a key is given twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInput(f"--metadata {text[:80]}: write it as K=V")
        if key in pairs:
            raise BadInput(f"--metadata {key[:80]} is given twice")
        pairs[key] = value
    return pairs


def _silent(_: str) -> None:
    """With --json, standard error is for errors."""
