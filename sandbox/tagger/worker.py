"""The worker of one run, step by step as the tagger's (contract 5, 6, 8, 14).

It reads and clears the command slot once before each row, and once a second inside a pause. The pause ends when the slot is found
empty: the rows go on, and the state keeps saying paused. As documented it stays paused until somebody resumes it.

The contract does not say in which order a row is written and told: here it is written first. A row that fails before it is
processed is followed by the next without a pause.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from sandbox.tagger.documents import Document, result
from sandbox.tagger.orders import BROKEN_MODEL
from sandbox.tagger.runs import Run, RunState
from sandbox.tagger.store import StoreDown
from sandbox.tagger.switches import Mode

if TYPE_CHECKING:
    from sandbox.tagger.backend import Backend

PAUSE = 1.0  # seconds of life between two looks at the command slot of a paused job
BROKEN_CLIENT = "Failed to initialize the LLM client"
BROKEN_ROW = "Processing error: document has no usable file_path"


class Worker:
    def __init__(self, run: Run, backend: "Backend") -> None:
        self._run = run
        self._backend = backend
        self._progress = 0.0

    async def work(self) -> None:
        """Ends with the job, or with Redis."""
        try:
            await self._write_on()
            if self._run.model_name == BROKEN_MODEL:
                self._fail(BROKEN_CLIENT)
                return
            self._enter(RunState.PROCESSING)
            self._backend.history.begin(self._run.db_job_id)
            if await self._rows():
                await self._complete()
            else:
                self._cancel()
        except StoreDown:
            self._run.state = RunState.DEAD

    async def _rows(self) -> bool:
        """Whether all were worked off; else somebody has cancelled. As it is, nobody can during the last row."""
        last = len(self._run.documents) - 1
        for row_id, document in enumerate(self._run.documents):
            if not await self._obeys():
                return False
            if document.is_broken:
                self._count_broken(row_id, document)
                continue
            await self._row(row_id, document)
            if row_id < last:
                await self._rest(document.spacing)
        return not self._is_documented or self._take() != "cancel"

    async def _obeys(self) -> bool:
        """Whether to go on. A resume that comes outside a pause is dropped."""
        match self._take():
            case "cancel":
                return False
            case "pause":
                return await self._holds()
            case _:
                return True

    async def _holds(self) -> bool:
        self._enter(RunState.PAUSED)
        while True:
            await self._rest(PAUSE)
            match self._take():
                case "cancel":
                    return False
                case "resume":
                    self._enter(RunState.PROCESSING)
                    return True
                case None if not self._is_documented:
                    self._run.state = RunState.PROCESSING
                    return True

    async def _row(self, row_id: int, document: Document) -> None:
        self._tell_row(row_id, document, {"status": "processing"})
        await self._process(document)
        entry = result(document, row_id, self._run.tags)
        outcome = "success" if entry["success"] else "failed"
        self._run.outcomes.append(outcome)
        await self._write_row(row_id, entry)
        self._backend.history.add_row(self._run.db_job_id, row_id, entry)
        told = {name: entry[name] for name in ("tags", "error", "metadata")}
        self._tell_row(row_id, document, {"status": outcome} | told | {"model_name": self._run.model_name})

    async def _process(self, document: Document) -> None:
        """While it lasts nothing else is done, if the event loop is blocked by it."""
        switches = self._backend.switches
        seconds = self._backend.clock.real(switches.row_seconds if document.seconds is None else document.seconds)
        if not switches.blocking:
            await asyncio.sleep(seconds)
            return
        async with self._backend.busy:
            await asyncio.sleep(seconds)

    async def _write_row(self, row_id: int, entry: dict[str, Any]) -> None:
        """Result, counts, progress, one after the other. The progress of the last row is written after the end."""
        backend, run = self._backend, self._run
        until = backend.clock.later(backend.clock.now(), backend.switches.ttl_seconds)
        backend.store.push(run.job_id, entry, until)
        await self._write_on()
        self._write(processed_count=str(run.succeeded))
        await self._write_on()
        self._write(failed_count=str(run.failed))
        await self._write_on()
        self._progress = (row_id + 1) / len(run.documents)
        if self._progress < 1:
            self._write(progress=str(self._progress))

    def _count_broken(self, row_id: int, document: Document) -> None:
        """No result, no progress."""
        self._run.outcomes.append("failed")
        self._write(failed_count=str(self._run.failed))
        self._tell_row(row_id, document, {"status": "failed", "error": BROKEN_ROW})

    async def _complete(self) -> None:
        self._enter(RunState.COMPLETED)
        await self._write_on()
        self._write(progress="1.0")
        self._end(
            type="completed",
            total_documents=len(self._run.documents),
            processed_count=self._run.succeeded,
            failed_count=self._run.failed,
            processing_time=self._backend.clock.now().timestamp() - self._run.started,
            message="Batch processing completed",
        )

    def _cancel(self) -> None:
        self._enter(RunState.CANCELLED)
        counts = {"processed_count": self._run.succeeded, "failed_count": self._run.failed}
        self._end(type="cancelled", **counts, message="Batch processing cancelled")

    def _fail(self, error: str) -> None:
        self._enter(RunState.FAILED)
        self._end(type="error", error=error)

    def _end(self, **message: Any) -> None:
        """History has the error, and the state has not."""
        self._backend.history.end(self._run.db_job_id, self._run.state, message.get("error"))
        self._backend.feeds.publish(self._run.job_id, message)

    def _tell_row(self, row_id: int, document: Document, told: dict[str, Any]) -> None:
        row = {"job_id": self._run.job_id, "row_id": row_id, "row_number": row_id + 1, "title": document.title}
        self._backend.feeds.publish(self._run.job_id, row | {"progress": self._progress} | told)

    def _enter(self, state: RunState) -> None:
        self._write(status=state)
        self._run.state = state

    def _write(self, **fields: str) -> None:
        self._backend.store.write(self._run.job_id, fields)

    def _take(self) -> str | None:
        return self._backend.store.take(self._run.job_id, "command")

    async def _write_on(self) -> None:
        await self._rest(self._backend.switches.write_seconds)

    async def _rest(self, seconds: float) -> None:
        """So many seconds of life, and as long as another worker blocks the event loop."""
        await asyncio.sleep(self._backend.clock.real(seconds))
        async with self._backend.busy:
            pass

    @property
    def _is_documented(self) -> bool:
        return self._backend.switches.mode is Mode.AS_DOCUMENTED
