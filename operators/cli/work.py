"""The verbs that ask for something: submit, track, cancel, poll."""

from pathlib import Path
from typing import Annotated

import typer

from operators import acts, views
from operators.cli import present
from operators.cli.context import complain, configuration, source_named, verb
from operators.cli.look import JobName, Json
from operators.clock import now
from operators.rows_file import read_rows
from operators.running import open_store
from operators.submitting import Submitting
from reconciler.owned import client_of
from schemas.ids import shown
from schemas.tables import JobRow
from storage import leases
from storage.store import Store

work = typer.Typer()


@work.command()
@verb
async def submit(
    file: Annotated[Path, typer.Argument(help="A JSONL file: one request a line, each with a custom_id of its own.")],
    source: Annotated[str, typer.Option("--source", help="Where to submit it.")],
    metadata: Annotated[
        list[str] | None, typer.Option("--metadata", metavar="K=V", help="Sent along; may be repeated.")
    ] = None,
    in_json: Json = False,
) -> None:
    """Check a file of requests, upload it, create a batch of it, and watch that."""
    config = configuration()
    chosen, dialect = source_named(config, source)
    pairs = _pairs(metadata or [])
    rows = read_rows(file)
    async with open_store(config) as store:
        async with client_of(config, chosen) as client:
            told = complain if not in_json else _silent
            submitting = Submitting(config, chosen, dialect, store, client, now, told)
            job = await submitting.submit(rows, pairs)
        _show_job(job, in_json)
        await _hint(store, source)


@work.command()
@verb
async def track(
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="The provider's id of the job.")],
    kind: Annotated[str, typer.Option("--kind", help="What kind of job it is.")] = "batch",
    in_json: Json = False,
) -> None:
    """Take in a job that was made elsewhere: it is asked about until it has ended."""
    config = configuration()
    source_named(config, source)
    async with open_store(config) as store:
        async with store.writing() as connection:
            job = await acts.track(connection, config, source, kind, job_id, store.new_id, now())
        _show_job(job, in_json)
        await _hint(store, source)


@work.command()
@verb
async def cancel(
    name: JobName,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the job.")],
    in_json: Json = False,
) -> None:
    """Ask the provider to cancel a job. What became of it is told by `job` and `explain`."""
    async with open_store(configuration()) as store:
        async with store.writing() as connection:
            job, action = await acts.cancel(connection, name, reason, store.new_id, now())
        _show_action(job, views.action(action), in_json, "its cancellation is asked for")
        await _hint(store, job.source)


@work.command()
@verb
async def poll(name: JobName, in_json: Json = False) -> None:
    """Have the provider asked about a job now."""
    async with open_store(configuration()) as store:
        async with store.writing() as connection:
            job, action = await acts.poll(connection, name, store.new_id, now())
        _show_action(job, views.action(action), in_json, "it will be asked about now")
        await _hint(store, job.source)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{text!r} is not of the form K=V", param_hint="--metadata")
        if key in pairs:
            raise typer.BadParameter(f"{key!r} is given twice", param_hint="--metadata")
        pairs[key] = value
    return pairs


def _show_job(job: JobRow, in_json: bool) -> None:
    if in_json:
        present.as_json(views.job(job, []))
    else:
        typer.echo(f"{job.source}/{job.job_id}  {shown('job', job.id)}  {job.status}")


def _show_action(job: JobRow, action: views.View, in_json: bool, what: str) -> None:
    if in_json:
        present.as_json({"source": job.source, "kind": job.kind, "job_id": job.job_id, **action})
    else:
        typer.echo(f"{job.source}/{job.job_id}: {what} ({action['id']})")


async def _hint(store: Store, source: str) -> None:
    async with store.reading() as connection:
        holder = await leases.holder_of(connection, f"source:{source}", now())
    if holder is None:
        complain(
            f"no reconciler is running for {source}; `batchkeeper up` or `batchkeeper reconcile --once` goes on from here"
        )


def _silent(_: str) -> None:
    """With --json, standard error is for errors."""
