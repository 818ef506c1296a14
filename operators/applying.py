"""What an application asks for by POST /api/v1/jobs: to track a job, or to submit a file of requests.

An `Idempotency-Key` makes a request safe to send again: the same request is answered as it was, and nothing is done twice.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from operators import acts, views
from operators.bounded import TooLarge
from operators.durations import duration
from operators.errors import BadInput, nothing_called
from operators.input_file import read_input
from operators.once import Answer, KeyTaken, Once, digest_of, idempotency_key
from operators.rows_file import RowsFile
from operators.submitting import Submitted, Wishes, check_can_submit, submit
from schemas.config import Config, Source
from schemas.dialects import dialect_of
from schemas.ids import shown
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.words import Policy
from storage.files import files_for
from storage.store import Store

LARGEST_JSON = 65_536
PIECE = 1 << 20  # bytes
FIELDS = frozenset(
    {
        *("source", "endpoint", "window", "metadata", "params", "columns", "labels"),
        *("shard_rows", "cancel_after", "policy", "file"),
    }
)


class Applying:
    """`configured` answers with the configuration that holds now, `now` in microseconds. Every method raises a Problem for what
    it refuses, and has done nothing then."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now
        self._once = Once(store, now)

    async def post_job(self, request: Request) -> Answer:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        key = idempotency_key(request.headers.getlist("idempotency-key"))
        if kind == "application/json":
            return await self._track(await read_object(request), key)
        if kind == "multipart/form-data":
            return await self._submit(request, key)
        raise BadInput("send application/json to track a job, or multipart/form-data to submit a file of requests")

    async def _track(self, asked: Mapping[str, Any], key: str | None) -> Answer:
        unknown = asked.keys() - {"source", "job_id", "kind"}
        if unknown or not all(isinstance(value, str) for value in asked.values()):
            raise BadInput('to track a job, send {"source": ..., "job_id": ..., "kind": ...}; kind may be left out')
        source, job_id, config = asked.get("source", ""), asked.get("job_id", ""), self._configured()
        _source(config, source)
        number = self._store.new_id()

        async def track(connection: AsyncConnection) -> Answer:
            job = await acts.track(connection, config, source, asked.get("kind"), job_id, lambda: number, self._now())
            return Answer(201 if job.id == number else 200, views.job(job, ()))

        if key is not None:
            return await self._once.do(key, digest_of(asked, ""), track)
        async with self._store.writing() as connection:
            return await track(connection)

    async def _submit(self, request: Request, key: str | None) -> Answer:
        if key is None:
            raise BadInput(
                "a submission needs an Idempotency-Key, so that sending it again makes no second job: choose one, such as a "
                "UUID, for each piece of work, and keep it for every try"
            )
        with tempfile.TemporaryDirectory(prefix="batchkeeper-") as folder:
            async with request.form(max_files=1, max_fields=20) as form:
                fields, path, name = await _received(form, Path(folder))
            return await self._submit_file(key, fields, path, name)

    async def _submit_file(self, key: str, fields: Mapping[str, str], path: Path, name: str) -> Answer:
        config = self._configured()
        source = _source(config, fields.get("source", ""))
        check_can_submit(source)
        wishes, shard_rows = wishes_of(fields)
        columns, endpoint = _pairs("columns", fields), fields.get("endpoint")
        rows = await asyncio.to_thread(
            read_input, path, dialect_of(source), path.parent, columns, shard_rows, endpoint, name
        )
        digest = digest_of(fields, rows.sha256)
        before = await self._once.before(key, digest)
        if before is not None:
            return before
        return await self._store_once(key, digest, config, source, rows, wishes)

    async def _store_once(
        self, key: str, digest: str, config: Config, source: Source, rows: RowsFile, wishes: Wishes
    ) -> Answer:
        """Store it together with its key. Whoever comes second with the same key leaves nothing behind."""

        async def keep(connection: AsyncConnection, stored: Submitted) -> None:
            await self._once.keep(connection, key, digest, _accepted(stored))

        try:
            files = files_for(config.data)
            return _accepted(await submit(self._store, files, config, source, rows, wishes, self._now(), also=keep))
        except KeyTaken:
            return await self._once.after_all(key, digest)


def wishes_of(fields: Mapping[str, str]) -> tuple[Wishes, int | None]:
    """What a form says beside its file, and how many rows one job may have. Raises BadInput."""
    policy, after = fields.get("policy", Policy.WAIT_FOR_ALL.value), fields.get("cancel_after")
    if policy not in set(Policy):
        raise BadInput(f"policy is one of {', '.join(Policy)}")
    wishes = Wishes(
        metadata=_pairs("metadata", fields),
        params=_object("params", fields),
        labels=_pairs("labels", fields),
        completion_window=fields.get("window"),
        cancel_after=None if after is None else duration("cancel_after", after),
        policy=Policy(policy),
    )
    return wishes, _count("shard_rows", fields)


def _count(name: str, fields: Mapping[str, str]) -> int | None:
    given = fields.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 9 and int(given)):
        raise BadInput(f"{name} is a whole number from 1")
    return int(given)


def _object(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        return parse_object(fields.get(name, "{}").encode())
    except NotStrictJson as error:
        raise BadInput(f"{name} is a JSON object: {error}") from None


def _pairs(name: str, fields: Mapping[str, str]) -> dict[str, str]:
    pairs = _object(name, fields)
    if not all(isinstance(value, str) for value in pairs.values()):
        raise BadInput(f"{name} is a JSON object of texts")
    return {key: str(value) for key, value in pairs.items()}


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries. Raises BadInput, TooLarge."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_JSON:
            raise TooLarge(f"the request is larger than {LARGEST_JSON} bytes")
    try:
        return parse_object(bytes(body))
    except NotStrictJson as error:
        raise BadInput(f"the request is no JSON object: {error}") from None


async def _received(form: FormData, folder: Path) -> tuple[dict[str, str], Path, str]:
    """The form's fields, and its file as a file of ours. Raises BadInput."""
    fields: dict[str, str] = {}
    path, name = folder / "rows.jsonl", ""
    for field, value in form.multi_items():
        if field not in FIELDS or field in fields or (field == "file") != isinstance(value, UploadFile):
            raise BadInput(f"{clean(field, 40)}: a form has these fields, each once: {', '.join(sorted(FIELDS))}")
        if isinstance(value, UploadFile):
            name = clean(value.filename or "rows.jsonl", 256)
            await _write(value, path)
        else:
            fields[field] = value
    if not name:
        raise BadInput("the form has no file")
    return fields, path, name


async def _write(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as stream:
        while piece := await upload.read(PIECE):
            await asyncio.to_thread(stream.write, piece)


def _source(config: Config, name: str) -> Source:
    source = config.sources.get(name)
    if source is None:
        raise nothing_called("source", name, "sources")
    return source


def _accepted(stored: Submitted) -> Answer:
    group = None if stored.group is None else shown("grp", stored.group.id)
    parts = [views.submission(row) for row in stored.submissions]
    return Answer(202, {"name": stored.name, "group": group, "submissions": parts})
