"""Submitting one batch: the intent is stored first, then each thing that the provider tells, as soon as it is known."""

import json
from collections.abc import Callable, Mapping

from operators.errors import BadInput, NotPossible, ProviderProblem
from operators.queries import webhook_url
from operators.rows_file import RowsFile
from reconciler.client import Client
from schemas.config import Config, Source
from schemas.dialects.dialect import Dialect, NewJob, SubmitRefused, SubmitUnclear, Webhook
from schemas.identity import SUBMISSION_TOKEN as TOKEN
from schemas.ids import shown
from schemas.readings import Observed, Response, Troubled, Uploaded
from schemas.tables import JobRow, SubmissionRow
from schemas.words import Origin, SubmissionState
from storage import jobs, submissions
from storage.store import Store

UPLOAD_SECONDS = 600.0
MOST_METADATA, LONGEST_KEY, LONGEST_VALUE = 13, 64, 512  # of the gateway's 16, two are its own and one is ours


class Submitting:
    """One submission, told step by step through `progress`."""

    def __init__(
        self,
        config: Config,
        source: Source,
        dialect: Dialect,
        store: Store,
        client: Client,
        clock: Callable[[], int],
        progress: Callable[[str], None],
    ) -> None:
        self._config, self._source, self._dialect = config, source, dialect
        self._store, self._client, self._clock, self._progress = store, client, clock, progress

    async def submit(self, file: RowsFile, metadata: Mapping[str, str]) -> JobRow:
        """Store, upload, create, and take the job in.

        Raises:
            NotPossible: the source's configuration does not allow it; nothing was sent.
            BadInput: the metadata does not fit; nothing was sent.
            ProviderProblem: the provider refused, or it is not known whether the job exists.
        """
        check_metadata(metadata)
        webhook = self._webhook()
        number = await self._store_intent(file, metadata)
        file_id = await self._upload(file, number)
        tagged = {**metadata, TOKEN: shown("sub", number)}
        new = NewJob(file_id, file.endpoint, None, tagged, webhook)
        return await self._create(new, number)

    async def _store_intent(self, file: RowsFile, metadata: Mapping[str, str]) -> int:
        number, now = self._store.new_id(), self._clock()
        row = SubmissionRow(
            id=number,
            source=self._source.name,
            state=SubmissionState.STORED.value,
            input_name=file.path.name[:256],
            input_sha256=file.sha256,
            input_bytes=file.size,
            row_count=file.rows,
            endpoint=file.endpoint,
            details=json.dumps({"metadata": dict(metadata)}),
            created_at=now,
            updated_at=now,
        )
        async with self._store.writing() as connection:
            await submissions.store(connection, row)
        self._progress(f"stored as {shown('sub', number)}: {file.rows} rows, {file.size} bytes")
        return number

    async def _upload(self, file: RowsFile, number: int) -> str:
        question = self._dialect.upload(self._source.base_url)
        response = await self._client.upload(question, file.path, _jsonl_name(file), UPLOAD_SECONDS)
        answer = self._dialect.read_upload(response) if isinstance(response, Response) else response
        if not isinstance(answer, Uploaded):
            raise await self._refused(number, "upload the file", answer)
        await self._note(number, state=SubmissionState.UPLOADED.value, input_file_id=answer.file_id)
        self._progress(f"uploaded as {answer.file_id}")
        return answer.file_id

    async def _create(self, new: NewJob, number: int) -> JobRow:
        response = await self._client.send(self._dialect.create(self._source.base_url, new))
        answer = self._dialect.read_create(response) if isinstance(response, Response) else response
        match answer:
            case Observed(observation):
                job = await self._take_in(observation.kind, observation.job_id, number)
                self._progress(f"created as {observation.job_id}")
                return job
            case SubmitUnclear(kind=str(kind), job_id=str(job_id)):
                job = await self._take_in(kind, job_id, number)
                self._progress(f"the provider had trouble, and named {job_id}: it is watched")
                return job
            case SubmitUnclear() | Troubled():
                raise await self._unconfirmed(number, answer.message)
            case SubmitRefused():
                raise await self._refused(number, "create the batch", answer)

    async def _take_in(self, kind: str, job_id: str, number: int) -> JobRow:
        async with self._store.writing() as connection:
            now = self._clock()
            changes = {"state": SubmissionState.CREATED.value, "job_id": job_id}
            await submissions.change(connection, number, changes, now)
            return await jobs.bear(
                connection,
                self._store.new_id(),
                (self._source.name, kind, job_id),
                Origin.SUBMIT,
                now,
                submission_id=number,
                has_webhook=self._source.webhook != "none",
            )

    async def _note(self, number: int, **changes: str) -> None:
        async with self._store.writing() as connection:
            await submissions.change(connection, number, changes, self._clock())

    async def _refused(self, number: int, doing: str, answer: SubmitRefused | Troubled) -> ProviderProblem:
        await self._note(number, state=SubmissionState.REFUSED.value, message=answer.message)
        return ProviderProblem(f"{self._source.name} did not {doing}: {answer.message}")

    async def _unconfirmed(self, number: int, message: str) -> ProviderProblem:
        await self._note(number, state=SubmissionState.UNCONFIRMED.value, message=message)
        return ProviderProblem(
            f"it is not known whether {self._source.name} created the batch: {message}. Look for {shown('sub', number)} in "
            f"the metadata of its batches, and `batchkeeper track {self._source.name} JOB_ID` if it is there"
        )

    def _webhook(self) -> Webhook | None:
        source = self._source
        if source.webhook == "none":
            return None
        if source.webhook == "inline":
            secret = source.webhook_secrets[0].reveal()
            return Webhook(source.webhook_events, url=webhook_url(self._config, source.name), secret=secret)
        if source.webhook_endpoint_id is None:
            raise NotPossible(
                f"[sources.{source.name}] has no webhook_endpoint_id, so a new batch could not say where to send its news: "
                f"register {webhook_url(self._config, source.name)} at the provider and put the endpoint's id there, "
                'or set webhook = "none" to live by polling alone'
            )
        return Webhook(source.webhook_events, endpoint_id=source.webhook_endpoint_id)


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Raise BadInput for metadata that the gateway would refuse (contract 3.1)."""
    if len(metadata) > MOST_METADATA:
        raise BadInput(f"at most {MOST_METADATA} --metadata entries fit, beside those of the gateway and ours")
    for key, value in metadata.items():
        if key == TOKEN or not 0 < len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise BadInput(
                f"--metadata {key[:80]}: a key has 1 to {LONGEST_KEY} characters and is not {TOKEN}, "
                f"a value at most {LONGEST_VALUE}"
            )


def _jsonl_name(file: RowsFile) -> str:
    return file.path.name if file.path.suffix == ".jsonl" else f"{file.path.stem}.jsonl"
