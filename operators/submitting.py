"""Submitting: rows are staged among our files, then the intent is stored whole. The reconciler sends it."""

import hashlib
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import BadInput, NotPossible
from operators.rows_file import RowsFile
from schemas.config import Config, Source
from schemas.dialects import dialect_of
from schemas.identity import SUBMISSION_TOKEN as TOKEN
from schemas.ids import shown
from schemas.tables import GroupRow, SubmissionRow
from schemas.words import Policy, SubmissionState
from storage import groups, labels, submissions
from storage.files import Files
from storage.points import reach
from storage.store import Store

LONGEST_KEY, LONGEST_VALUE = 64, 512
MOST_LABELS = 32
PIECE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever submits has to say beside the rows. Times in microseconds."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    completion_window: str | None = None
    cancel_after: int | None = None
    policy: Policy = Policy.WAIT_FOR_ALL
    params: Mapping[str, Any] = field(default_factory=dict)  # what the provider's jobs take beside their rows


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was stored: the submissions in the order of their rows, and their group where they are several."""

    submissions: tuple[SubmissionRow, ...]
    group: GroupRow | None

    @property
    def name(self) -> str:
        """By which it is waited for and shown."""
        return shown("grp", self.group.id) if self.group else shown("sub", self.submissions[0].id)


Also = Callable[[AsyncConnection, Submitted], Awaitable[None]]


async def submit(
    store: Store,
    files: Files,
    config: Config,
    source: Source,
    rows: RowsFile,
    wishes: Wishes,
    now: int,
    also: Also | None = None,
) -> Submitted:
    """Stage each shard, then store group and submissions in one transaction. Until that is committed nothing was submitted.
    `also` is written with them.

    Raises:
        NotPossible: the source's configuration does not allow it.
        BadInput: metadata or labels do not fit, or the file has changed since it was checked.
    """
    check(config, source, wishes)
    check_order(source, rows.endpoint, wishes)
    stored = _rows_of(source, rows, wishes, store.new_id, now)
    try:
        await _stage(files, rows, stored.submissions)
        await _store(store, stored, wishes, also)
    except BaseException:
        for row in stored.submissions:
            await files.remove(row.staged_as or "")
        raise
    return stored


def check(config: Config, source: Source, wishes: Wishes) -> None:
    """Everything that can be said against a submission before anything of it is kept. Raises NotPossible or BadInput."""
    dialect = dialect_of(source)
    check_can_submit(source)
    if wishes.metadata and not dialect.holds_metadata:
        raise BadInput(f"jobs of {dialect.name} hold no metadata; --label keeps it here, with the job")
    check_metadata(wishes.metadata, dialect.most_metadata)
    check_labels(wishes.labels)
    if dialect.defaults.names_endpoint and source.webhook == "endpoint" and source.webhook_endpoint_id is None:
        url = config.receiver.webhook_url(source.name) or config.receiver.local_url(source.name)
        raise NotPossible(
            f"[sources.{source.name}] has no webhook_endpoint_id, so a new batch could not say where to send its news: "
            f"register {url} at the provider and put the endpoint's id there, "
            'or set webhook = "none" to live by polling alone'
        )


def check_order(source: Source, endpoint: str, wishes: Wishes) -> None:
    """Raise BadInput for what the provider would refuse."""
    dialect = dialect_of(source)
    why = dialect.why_not_order(endpoint, wishes.params, tuple(source.secrets))
    if why is not None:
        raise BadInput(f"{source.name} cannot be given this order: {why}")
    if wishes.completion_window and not dialect.uploads_input:
        raise BadInput(f"jobs of {dialect.name} have no completion window")


def check_can_submit(source: Source) -> None:
    """Raise NotPossible where a source's jobs are all made elsewhere."""
    if why := dialect_of(source).why_not_submit:
        raise NotPossible(f"nothing can be submitted to {source.name}: {why}")


def check_metadata(metadata: Mapping[str, str], most: int) -> None:
    """Raise BadInput for metadata that the provider would refuse (contract of the gateway 3.1; OpenAI's is the same)."""
    if len(metadata) > most:
        raise BadInput(f"at most {most} --metadata entries fit, beside those of the provider and ours")
    for key, value in metadata.items():
        if key == TOKEN or not 0 < len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise BadInput(
                f"--metadata {key[:80]}: a key has 1 to {LONGEST_KEY} characters and is not {TOKEN}, "
                f"a value at most {LONGEST_VALUE}"
            )


def check_labels(given: Mapping[str, str]) -> None:
    """Raise BadInput for labels that are too many or too long, or that no store could hold."""
    if len(given) > MOST_LABELS:
        raise BadInput(f"at most {MOST_LABELS} --label entries are kept")
    for key, value in given.items():
        if not 0 < len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE or not (key + value).isprintable():
            raise BadInput(
                f"--label {key[:80]}: a key has 1 to {LONGEST_KEY} printable characters, a value at most {LONGEST_VALUE}"
            )


def _rows_of(source: Source, rows: RowsFile, wishes: Wishes, new_id: Callable[[], int], now: int) -> Submitted:
    group = None
    if len(rows.shards) > 1:
        group = GroupRow(
            id=new_id(),
            source=source.name,
            input_name=rows.name[:256],
            size=len(rows.shards),
            policy=wishes.policy.value,
            created_at=now,
        )
    details = json.dumps({"metadata": dict(wishes.metadata), "params": dict(wishes.params)})
    dialect = dialect_of(source)
    made = []
    for place, shard in enumerate(rows.shards, 1):
        number = new_id()
        made.append(
            SubmissionRow(
                id=number,
                source=source.name,
                group_id=group.id if group else None,
                shard=place,
                state=SubmissionState.STORED.value,
                staged_as=f"{source.name}/inputs/{shown('sub', number)}.jsonl",
                input_name=rows.name[:256],
                input_sha256="",
                input_bytes=shard.size,
                row_count=shard.rows,
                endpoint=rows.endpoint,
                completion_window=wishes.completion_window,
                cancel_after=wishes.cancel_after,
                details=details,
                own_job_id=str(uuid.uuid4()) if dialect.chooses_job_id else None,
                path_token=path_token(number) if source.webhook == "inline" and not dialect.holds_metadata else None,
                due_at=now,
                created_at=now,
                updated_at=now,
            )
        )
    return Submitted(tuple(made), group)


def path_token(number: int) -> str:
    """Nobody can guess it: whoever knows it could say of any job that it is this submission's."""
    return f"{shown('sub', number)}.{secrets.token_urlsafe(24)}"


async def _stage(files: Files, rows: RowsFile, shards: Sequence[SubmissionRow]) -> None:
    """Copy each shard's bytes among our files, where they stay: its results are matched with them."""
    whole = hashlib.sha256()
    with rows.path.open("rb") as stream:
        for row in shards:
            await _stage_one(files, stream, row, whole.update)
    if whole.hexdigest() != rows.sha256:
        raise BadInput(f"{rows.path} was changed while it was being read; nothing was submitted: try again")


async def _stage_one(files: Files, stream: BinaryIO, row: SubmissionRow, also: Callable[[bytes], None]) -> None:
    writing = await files.create(row.staged_as or "")
    try:
        left = row.input_bytes
        while left and (piece := stream.read(min(left, PIECE))):
            left -= len(piece)
            also(piece)
            await writing.write(piece)
        row.input_sha256 = writing.sha256
        await writing.publish()
    finally:
        await writing.discard()


async def _store(store: Store, submitted: Submitted, wishes: Wishes, also: Also | None) -> None:
    async with store.writing() as connection:
        if submitted.group is not None:
            await groups.store(connection, submitted.group)
            await labels.put(connection, submitted.group.id, wishes.labels)
        for row in submitted.submissions:
            await submissions.store(connection, row)
            await labels.put(connection, row.id, wishes.labels)
        if also is not None:
            await also(connection, submitted)
    reach("S1")
