"""The verb submit: from a file of requests to jobs that are watched."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from operators import logs, views
from operators.cli import present
from operators.cli.context import complain, configuration, source_named, verb
from operators.cli.options import Json
from operators.cli.uploading import uploading
from operators.cli.wait import wait_and_leave
from operators.cli.work import hint
from operators.clock import now
from operators.durations import duration
from operators.errors import BadInput, ProviderProblem
from operators.input_file import read_input
from operators.rows_file import RowsFile
from operators.sending import is_at_rest, send
from operators.store import opened
from operators.submitting import Submitted, Wishes, check, check_order
from operators.submitting import submit as store_submission
from schemas.config import Config, Source
from schemas.ids import shown
from schemas.strict_json import NotStrictJson, parse_object
from schemas.tables import SubmissionRow
from schemas.times import rfc3339_or_none
from schemas.words import Policy, SubmissionState
from storage.files import files_for

submit = typer.Typer()
_BAD = frozenset({SubmissionState.REFUSED, SubmissionState.UNCLEAR, SubmissionState.UNCONFIRMED})


_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSONL: a request a line, each with a custom_id of its own; or CSV.")
]
_Source = Annotated[str, typer.Option("--source", metavar="SOURCE", help="Where to submit it.")]
_Endpoint = Annotated[
    str | None, typer.Option("--endpoint", metavar="PATH", help="The rows' endpoint, where they do not say it.")
]
_Window = Annotated[
    str | None, typer.Option("--window", metavar="24h", help="The completion window, in the provider's own words.")
]
_Params = Annotated[
    Path | None, typer.Option("--params", metavar="FILE", help="JSON: what the provider's jobs take beside their rows.")
]
_Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="COLUMN=HEADER", help="Where a column of a CSV stands; may be repeated."),
]
_Metadata = Annotated[list[str] | None, typer.Option("--metadata", metavar="K=V", help="Sent along; may be repeated.")]
_Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="K=V", help="Kept here with the job; may be repeated.")
]
_ShardRows = Annotated[
    int | None, typer.Option("--shard-rows", metavar="N", min=1, help="Most rows of one job; more become a group.")
]
_FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="When one job of the group ends badly, cancel the others.")
]
_CancelAfter = Annotated[
    str | None, typer.Option("--cancel-after", metavar="6h", help="Have automation cancel what still runs then.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the file and say what would be sent.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is done; the exit code tells how.")]
_Timeout = Annotated[str | None, typer.Option("--timeout", metavar="2h", help="With --wait: no longer.")]


@submit.command("submit")
@verb
async def submit_file(
    file: _File,
    source: _Source,
    endpoint: _Endpoint = None,
    window: _Window = None,
    params: _Params = None,
    column: _Columns = None,
    metadata: _Metadata = None,
    label: _Labels = None,
    shard_rows: _ShardRows = None,
    fail_fast: _FailFast = False,
    cancel_after: _CancelAfter = None,
    dry_run: _DryRun = False,
    wait: _Wait = False,
    timeout: _Timeout = None,
    in_json: Json = False,
) -> None:
    """Check a file of requests, upload it, create batches of it, and watch those.

    A file that is too large for one batch, or has more than --shard-rows rows, becomes a group of several. What is stored is
    sent even if this command is ended: by the reconciler.
    """
    config = configuration()
    chosen, dialect = source_named(config, source)
    wishes = Wishes(
        metadata=pairs_of("--metadata", metadata or []),
        params=_params(params),
        labels=pairs_of("--label", label or []),
        completion_window=window,
        cancel_after=None if cancel_after is None else duration("--cancel-after", cancel_after),
        policy=Policy.FAIL_FAST if fail_fast else Policy.WAIT_FOR_ALL,
    )
    limit = None if timeout is None else duration("--timeout", timeout)
    check(config, chosen, wishes)
    with tempfile.TemporaryDirectory(prefix="batchkeeper-") as folder:
        rows = read_input(file, dialect, Path(folder), pairs_of("--column", column or []), shard_rows, endpoint)
        check_order(chosen, rows.endpoint, wishes)
        if dry_run:
            _dry(rows, in_json)
        else:
            await _submit(config, chosen, rows, wishes, wait, limit, in_json)


async def _submit(
    config: Config, source: Source, rows: RowsFile, wishes: Wishes, wait: bool, limit: int | None, in_json: bool
) -> None:
    logs.configure(logging.ERROR)  # whoever submits wants to hear of the submission
    async with opened(config) as store:
        submitted = await store_submission(store, files_for(config.data), config, source, rows, wishes, now())
        _stored(submitted, rows, in_json)
        with uploading(rows.size, quiet=in_json) as tell:
            sent = await send(config, source, store, submitted, tell)
        if not wait:
            _show(submitted, sent, in_json)
            await hint(store, source.name)
            _complain_about(submitted, sent)
            return
        await wait_and_leave(store, submitted.name, limit, in_json)


def _params(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return parse_object(file.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}") from None
    except NotStrictJson as error:
        raise BadInput(f"{file} has to be a JSON object: {error}") from None


def pairs_of(option: str, texts: list[str]) -> dict[str, str]:
    """What an option K=V says, given several times.

    Raises:
        BadInput: one is not of that form, or a key is given twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInput(f"{option} {text[:80]}: write it as K=V")
        if key in pairs:
            raise BadInput(f"{option} {key[:80]} is given twice")
        pairs[key] = value
    return pairs


def _dry(rows: RowsFile, in_json: bool) -> None:
    parts = [{"rows": shard.rows, "bytes": shard.size} for shard in rows.shards]
    if in_json:
        present.as_json({"rows": rows.rows, "bytes": rows.size, "endpoint": rows.endpoint, "parts": parts})
        return
    typer.echo(
        f"{rows.name} can be submitted: {rows.rows} rows, {rows.size} bytes, for {present.text_of(rows.endpoint)}"
    )
    if len(parts) > 1:
        typer.echo(f"it would become a group of {len(parts)}:")
        for number, part in enumerate(parts, 1):
            typer.echo(f"  part {number}: {part['rows']} rows, {part['bytes']} bytes")
    typer.echo("nothing was sent or kept")


def _stored(submitted: Submitted, rows: RowsFile, in_json: bool) -> None:
    if not in_json:
        parts = f" in {len(rows.shards)} parts" if submitted.group else ""
        complain(f"stored as {submitted.name}: {rows.rows} rows, {rows.size} bytes{parts}")


def _show(submitted: Submitted, sent: Sequence[SubmissionRow], in_json: bool) -> None:
    if in_json:
        group = None if submitted.group is None else shown("grp", submitted.group.id)
        parts = [views.submission(row) for row in sent]
        present.as_json({"name": submitted.name, "group": group, "job_id": sent[0].job_id, "submissions": parts})
        return
    for row in sent:
        part = f"part {row.shard} of {submitted.group.size}: " if submitted.group else ""
        typer.echo(f"{row.source}/{row.job_id or shown('sub', row.id)}: {part}{_how(row)}")
    if submitted.group:
        typer.echo(f"`batchkeeper group {submitted.name}` shows them together")


def _how(row: SubmissionRow) -> str:
    state = SubmissionState(row.state)
    if state is SubmissionState.CREATED:
        return "it was created"
    if state is SubmissionState.STORED or state is SubmissionState.UPLOADED:
        goes_on = "" if row.due_at is None else f"; it goes on at {present.moment(rfc3339_or_none(row.due_at))} UTC"
        return f"{state}, and waits{goes_on}{_because(row)}"
    return f"{state}{_because(row)}"


def _because(row: SubmissionRow) -> str:
    return f": {present.text_of(row.message)}" if row.message else ""


def _complain_about(submitted: Submitted, sent: Sequence[SubmissionRow]) -> None:
    """What did not go as it should, as an error. What merely waits is no error: it is stored, and goes on."""
    if not all(is_at_rest(row, now()) for row in sent):
        complain("no news of it for a while; it is stored, and whoever reconciles goes on with it")
    elif any(row.state in (SubmissionState.STORED, SubmissionState.UPLOADED) for row in sent):
        complain("what waits goes on by itself where `batchkeeper up` or `batchkeeper reconcile` runs")
    bad = [row for row in sent if row.state in _BAD]
    if bad:
        raise ProviderProblem("\n".join(_trouble(row) for row in bad))


def _trouble(row: SubmissionRow) -> str:
    name = shown("sub", row.id)
    if row.state == SubmissionState.REFUSED:
        return f"{row.source} refused {name}; when that is mended, `batchkeeper resubmit {name}`: {row.message}"
    return f"it is not known whether {row.source} made {name}: {row.message}"
