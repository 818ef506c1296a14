"""The verbs that ask for something: track, cancel, poll. The reconciler does it."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from operators import acts, views
from operators.cli import present, scopes
from operators.cli.context import complain, configuration, source_named, verb
from operators.cli.options import Json, MaybeJob, OfKind, OfLabel, OfSource, OfStatus, Sure
from operators.clock import now
from operators.errors import BadInput
from operators.store import opened
from schemas.ids import parse, shown
from schemas.tables import JobRow
from schemas.words import ActionVerb
from storage import leases
from storage.store import Store

work = typer.Typer()

Reason = Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; it is kept with the job.")]


@work.command()
@verb
async def track(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The configured source that it is at.")],
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="The provider's id of the job.")],
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="What kind of job it is; by default the only one, or batch."),
    ] = None,
    in_json: Json = False,
) -> None:
    """Take in a job that was made elsewhere: it is asked about until it has ended."""
    config = configuration()
    source_named(config, source)
    async with opened(config) as store:
        number = store.new_id()
        async with store.writing() as connection:
            job = await acts.track(connection, config, source, kind, job_id, lambda: number, now())
        show_job(job, in_json, "it is watched from now on" if job.id == number else "it was known already")
        await hint(store, source)


@work.command()
@verb
async def cancel(
    reason: Reason,
    name: Annotated[
        str | None, typer.Argument(metavar="[JOB]", help="A job, or a submission (sub_...) that has become none yet.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="GROUP", help="Every part of a group that is not over.")
    ] = None,
    source: OfSource = None,
    status: OfStatus = None,
    kind: OfKind = None,
    label: OfLabel = None,
    sure: Sure = False,
    in_json: Json = False,
) -> None:
    """Ask the provider to cancel a job, every job of a group, or every open job of a scope.

    Parts of a group that have not been sent are dropped, jobs that run are cancelled, what is over is spared. What became of
    it is told by `batchkeeper job`, `batchkeeper group` and `batchkeeper explain`.
    """
    acts.check_reason(reason, "--reason")
    scope = {"source": source, "status": status, "kind": kind, "label": label}
    if (name is not None) + (group is not None) + scopes.is_given(scope) != 1:
        raise BadInput("name a JOB, a --group, or a scope such as --source, to cancel")
    if scopes.is_given(scope):
        await scopes.act_on(ActionVerb.CANCEL, scope, reason, sure, in_json)
        return
    if name is not None and parse(name, "grp") is not None:
        group = name
    if group is not None:
        await _cancel_group(group, reason, in_json)
        return
    if name is not None and parse(name, "sub") is not None:
        await _drop(name, reason, in_json)
        return
    async with opened(configuration()) as store:
        number = store.new_id()
        async with store.writing() as connection:
            job, action = await acts.cancel(connection, name or "", reason, lambda: number, now())
        what = "is asked for" if action.id == number else f"was asked for already, and is {action.state}"
        _show_action(job, views.action(action), in_json, f"its cancellation {what}")
        await hint(store, job.source)


async def _cancel_group(name: str, reason: str, in_json: bool) -> None:
    async with opened(configuration()) as store:
        async with store.writing() as connection:
            group, done = await acts.cancel_group(connection, name, reason, store.new_id, now())
        if in_json:
            present.as_json(acts.group_cancelled(group, done))
        else:
            for sort, members in done.sorts.items():
                for one in members:
                    _show_part(sort, views.member(one), group.name)
        await hint(store, group.source)


_FATES = {
    "dropped": "dropped before it is sent",
    "cancelled": "its cancellation is asked for",
    "spared": "spared, it is over",
}


def _show_part(sort: str, part: views.View, group: str) -> None:
    name = present.text_of(part["job_id"] or part["submission"])
    typer.echo(f"{group} part {part['part']}, {name}: {_FATES[sort]} ({part['where']})")


async def _drop(name: str, reason: str, in_json: bool) -> None:
    async with opened(configuration()) as store:
        async with store.writing() as connection:
            dropped = await acts.drop(connection, name, reason, now())
        if in_json:
            present.as_json({"dropped": name, "source": dropped.source})
        else:
            typer.echo(f"{name}: it is to be dropped before it is sent; if it has been, its job is cancelled")
        await hint(store, dropped.source)


@work.command()
@verb
async def pause(
    reason: Reason,
    name: MaybeJob = None,
    source: OfSource = None,
    status: OfStatus = None,
    kind: OfKind = None,
    label: OfLabel = None,
    sure: Sure = False,
    in_json: Json = False,
) -> None:
    """Ask the provider to hold a job back, where it can; or every open job of a scope.

    Whether that came true is told by the job's own status: see `batchkeeper explain`.
    """
    scope = {"source": source, "status": status, "kind": kind, "label": label}
    await _hold(ActionVerb.PAUSE, name, scope, reason, sure, in_json)


@work.command()
@verb
async def resume(
    reason: Reason,
    name: MaybeJob = None,
    source: OfSource = None,
    status: OfStatus = None,
    kind: OfKind = None,
    label: OfLabel = None,
    sure: Sure = False,
    in_json: Json = False,
) -> None:
    """Ask the provider to go on with a paused job; or with every one of a scope."""
    scope = {"source": source, "status": status, "kind": kind, "label": label}
    await _hold(ActionVerb.RESUME, name, scope, reason, sure, in_json)


async def _hold(
    verb: ActionVerb,
    name: str | None,
    scope: Mapping[str, str | Sequence[str] | None],
    reason: str,
    sure: bool,
    in_json: bool,
) -> None:
    acts.check_reason(reason, "--reason")
    if name is None:
        await scopes.act_on(verb, scope, reason, sure, in_json)
        return
    _refuse_both(scope)
    config = configuration()
    async with opened(config) as store:
        async with store.writing() as connection:
            job, action = await acts.hold(connection, config, verb, name, reason, store.new_id, now())
        _show_action(job, views.action(action), in_json, f"it is to be {verb}d")
        await hint(store, job.source)


def _refuse_both(scope: Mapping[str, str | Sequence[str] | None]) -> None:
    if scopes.is_given(scope):
        raise BadInput("name either a JOB or a scope such as --source, not both")


@work.command()
@verb
async def poll(
    name: MaybeJob = None,
    source: OfSource = None,
    status: OfStatus = None,
    kind: OfKind = None,
    label: OfLabel = None,
    sure: Sure = False,
    in_json: Json = False,
) -> None:
    """Have the provider asked about a job now; or about every open job of a scope."""
    scope = {"source": source, "status": status, "kind": kind, "label": label}
    if name is None:
        await scopes.act_on(ActionVerb.POLL, scope, None, sure, in_json)
        return
    _refuse_both(scope)
    async with opened(configuration()) as store:
        async with store.writing() as connection:
            job, action = await acts.poll(connection, name, store.new_id, now())
        _show_action(job, views.action(action), in_json, "it will be asked about now")
        await hint(store, job.source)


def show_job(job: JobRow, in_json: bool, what: str) -> None:
    """Say which job it is, and what is done with it."""
    if in_json:
        present.as_json(views.job(job, []))
    else:
        typer.echo(f"{job.source}/{job.job_id}: {what} ({shown('job', job.id)}, {job.status})")


async def hint(store: Store, source: str) -> None:
    """Say so when nobody is there to do what was asked for."""
    async with store.reading() as connection:
        holder = await leases.holder_of(connection, f"source:{source}", store.engine.lease_clock(now()))
    if holder is None:
        complain(
            f"no reconciler is at work for {source}; `batchkeeper up` or `batchkeeper reconcile --once` goes on from here"
        )


def _show_action(job: JobRow, action: views.View, in_json: bool, what: str) -> None:
    if in_json:
        present.as_json({"source": job.source, "kind": job.kind, "job_id": job.job_id, **action})
    else:
        typer.echo(f"{job.source}/{job.job_id}: {what} ({action['id']})")
