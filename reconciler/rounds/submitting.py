"""The submissions round: what was stored to be submitted is uploaded, created, and looked for where an answer was lost.

One step of a submission is under way at a time, and a create leaves only after it was committed that it would.
"""

import asyncio
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler import submission
from reconciler.asking import BROKEN, Asking, Back
from reconciler.groups import member_ended_badly, member_is_over
from reconciler.making import made, moved
from reconciler.news import News
from reconciler.ordering import new_job
from reconciler.owned import Owned
from reconciler.pages import has_list
from reconciler.rounds.each import write_each
from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.readings import Observed, Response, Troubled, Uploaded
from schemas.tables import SubmissionRow
from schemas.times import MINUTE, SECOND
from schemas.words import Origin, Status, SubmissionState, Trouble
from storage import jobs, submissions

SET_ASIDE_FOR = 5 * MINUTE
MOST_AT_ONCE = 2  # uploads take long, and the questions about jobs must go on
UPLOAD_SECONDS, SLOWEST_BYTES = 600.0, 20_000  # many rows have as much longer as this many bytes a second need

Said = Uploaded | Observed | SubmitRefused | SubmitLater | SubmitUnclear | Troubled
SubmitBack = Back[SubmissionRow, Said]
_STEPS = frozenset({SubmissionState.STORED, SubmissionState.UPLOADED})


class SubmitRound:
    """The submissions round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[SubmissionRow, Said] = owned.asking(self._ask, BROKEN)
        self._uploads: dict[int, Upload] = {}

    async def run_once(self, now: int) -> int:
        """Write what has come back, and take the steps that are due. How many answers and steps that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        await self._show_progress(now)
        return len(answers) + await self._start(now)

    async def is_quiet(self, now: int) -> bool:
        """Nothing is under way, and nothing is to be sent now."""
        if self.asking.busy:
            return False
        async with self._owned.store.reading() as connection:
            due = await submissions.due(connection, self._owned.source.name, now, 100, ())
        return not any(row.state in _STEPS for row in due)

    async def _start(self, now: int) -> int:
        owned, busy = self._owned, self.asking.busy
        async with owned.store.reading() as connection:
            due = await submissions.due(connection, owned.source.name, now, 100, busy)
        free = min(owned.may_start(now), MOST_AT_ONCE - len(busy))
        steps = [row for row in due if row.state in _STEPS and not submission.is_droppable(row)][: max(0, free)]
        rest = [row for row in due if row.state not in _STEPS or submission.is_droppable(row)]
        begun: dict[int, SubmissionRow] = {}  # by number: where one breaks the batch, each is written once more

        async def write(connection: AsyncConnection, row: SubmissionRow) -> None:
            taken = await self._take(connection, row, now)
            if taken is not None:
                begun[row.id] = taken

        async def set_aside(connection: AsyncConnection, row: SubmissionRow) -> None:
            begun.pop(row.id, None)  # nothing may leave that was not committed to
            await self._set_aside(now)(connection, row)

        await write_each(owned, [*rest, *steps], write, set_aside, ("", "S4"))
        for row in begun.values():
            self.asking.start(row.id, row)
        return len(rest) + len(begun)

    async def _take(self, connection: AsyncConnection, chosen: SubmissionRow, now: int) -> SubmissionRow | None:
        """What one submission needs that nobody has to be asked for; or itself, when its next question is to leave."""
        row = await submissions.lock(connection, chosen.id)
        if row is None or row.due_at is None or row.due_at > now:
            return None
        changes: dict[str, Any] = {}
        match SubmissionState(row.state):
            case _ if submission.is_droppable(row):
                changes = submission.dropped(row)
            case SubmissionState.STORED if self._owned.dialect.uploads_input:
                return row
            case SubmissionState.STORED | SubmissionState.UPLOADED:
                await submissions.change(connection, row.id, submission.sending(now), now)
                return row
            case SubmissionState.CREATING:  # whoever sent it is gone
                message = "the process that sent the create ended before the answer came"
                await self._lose(connection, row, message, now)
                return None
            case SubmissionState.UNCLEAR:
                owned, trace = self._owned, self._trace(row)
                changes = submission.still_unclear(row, trace, owned.swept.at, owned.patience, now)
                self._look_at(trace, now)
            case _:
                changes = {"due_at": None}
        await self._change(connection, row, changes, now)
        return None

    async def _lose(self, connection: AsyncConnection, row: SubmissionRow, message: str, now: int) -> None:
        """Nobody told what became of a create. Where we chose the job's id, it can be asked about; else it is looked for."""
        owned = self._owned
        if row.own_job_id is not None:
            (kind,) = owned.dialect.kinds
            await made(connection, owned, row.id, kind, row.own_job_id, Origin.SUBMIT, now)
            return
        trace = self._trace(row)
        self._look_at(trace, now + SECOND)
        await self._change(connection, row, submission.lost(row, message, trace, now), now)

    def _trace(self, row: SubmissionRow) -> submission.Trace:
        return submission.trace_of(row, has_list(self._owned), self._owned.dialect.holds_metadata)

    def _look_at(self, trace: submission.Trace, at: int) -> None:
        if trace is submission.BY_LIST:
            self._owned.look_through_list_at(at)

    async def _ask(self, row: SubmissionRow) -> Said:
        return await (self._upload(row) if self._is_upload(row) else self._create(row))

    def _is_upload(self, row: SubmissionRow) -> bool:
        return row.state == SubmissionState.STORED and self._owned.dialect.uploads_input

    async def _open(self, row: SubmissionRow) -> BinaryIO | Troubled:
        files = self._owned.files
        try:
            return await asyncio.to_thread(files.open, row.staged_as or "")
        except OSError as error:
            message = f"its rows cannot be read from {files.place}: {error.strerror or error}"
            return Troubled(Trouble.REQUEST, message, was_sent=False)

    async def _upload(self, row: SubmissionRow) -> Said:
        owned, stream = self._owned, await self._open(row)
        if isinstance(stream, Troubled):
            return stream
        upload = self._uploads[row.id] = Upload(stream)
        try:
            timeout = max(UPLOAD_SECONDS, row.input_bytes / SLOWEST_BYTES)
            question = owned.dialect.upload(owned.source.base_url)
            response = await owned.client.upload(question, upload, _jsonl(row.input_name), timeout, ("S2", ""))
        finally:
            del self._uploads[row.id]
            stream.close()
        return owned.dialect.read_upload(response) if isinstance(response, Response) else response

    async def _create(self, row: SubmissionRow) -> Said:
        owned, order = self._owned, await self._order(row)
        if isinstance(order, Troubled):
            return order
        question = owned.dialect.create(owned.source.base_url, order)
        response = await owned.client.send(question, ("S5", "S6"), len(order.rows) / SLOWEST_BYTES)
        return owned.dialect.read_create(response, order) if isinstance(response, Response) else response

    async def _order(self, row: SubmissionRow) -> NewJob | Troubled:
        owned, rows = self._owned, b""
        if not owned.dialect.uploads_input:
            stream = await self._open(row)
            if isinstance(stream, Troubled):
                return stream
            with stream:
                rows = await asyncio.to_thread(stream.read)
        return new_job(row, owned.source, owned.webhook_url or owned.local_url, rows)

    async def _write(self, answers: list[SubmitBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: SubmitBack) -> None:
            row = await submissions.lock(connection, back.item.id)
            if row is not None and row.state not in (SubmissionState.CREATED, SubmissionState.DROPPED):
                await self._answered(connection, row, back.answer, now)

        uploads = [back for back in answers if self._is_upload(back.item)]
        creates = [back for back in answers if not self._is_upload(back.item)]
        await write_each(owned, uploads, write, self._set_aside_back(now), ("", "S3"))
        await write_each(owned, creates, write, self._set_aside_back(now), ("", "S7"))
        for back in answers:
            owned.answered(_trouble(back.answer), now, "upload" if self._is_upload(back.item) else "create")
        self.asking.written([back.item.id for back in answers])

    async def _answered(self, connection: AsyncConnection, row: SubmissionRow, answer: Said, now: int) -> None:
        owned = self._owned
        match answer:
            case Observed(observation):
                job = await made(connection, owned, row.id, observation.kind, observation.job_id, Origin.SUBMIT, now)
                if (
                    job.status == Status.UNKNOWN
                ):  # the provider has shown it: what it is like, only its status endpoint tells
                    await jobs.change(connection, job.id, {"native_status": observation.native_status}, now)
            case SubmitUnclear(kind=str(kind), job_id=str(job_id)):
                await made(connection, owned, row.id, kind, job_id, Origin.SUBMIT, now)
            case SubmitUnclear() | Troubled(was_sent=True) if row.state == SubmissionState.CREATING:
                await self._lose(connection, row, answer.message, now)
            case _:
                await self._change(connection, row, await self._not_made(connection, row, answer, now), now)

    async def _not_made(
        self, connection: AsyncConnection, row: SubmissionRow, answer: Said, now: int
    ) -> dict[str, Any]:
        owned = self._owned
        was_created = row.state == SubmissionState.CREATING
        match answer:
            case Uploaded():
                return submission.uploaded(row, answer, now)
            case SubmitRefused():
                return submission.refused(answer)
            case SubmitLater() if was_created:
                return submission.unsent(row, answer.trouble, now)
            case SubmitLater():
                since = now - (answer.window or 0)
                uploads = await submissions.uploads_since(connection, owned.source.name, since)
                return submission.later(row, answer, uploads, owned.patience, now)
            case Troubled() if not was_created:
                return submission.again(row, answer, now)
            case Troubled():
                return submission.unsent(row, answer, now)
        raise ValueError(f"no answer to a submission: {answer}")

    async def _change(self, connection: AsyncConnection, row: SubmissionRow, changes: dict[str, Any], now: int) -> None:
        """Change a submission, and see what that means for its group."""
        await submissions.change(connection, row.id, changes, now)
        state = SubmissionState(changes.get("state", row.state))
        if state != row.state:
            self._owned.news.append(News("submission_moved", moved(row, state, changes.get("message"))))
        if state is SubmissionState.REFUSED:
            what = f"part {row.shard} was refused: {changes['message']}"
            await member_ended_badly(connection, self._owned, row.group_id, what, row.id, now)
        if state.is_over:
            await member_is_over(connection, self._owned, row.group_id, now)

    async def _show_progress(self, now: int) -> None:
        """Note how far the uploads are, about once a second."""
        news = {number: one.sent for number, one in self._uploads.items() if one.has_news(now)}
        if news:
            async with self._owned.writing() as connection:
                for number, sent in news.items():
                    await submissions.change(connection, number, {"sent_bytes": sent}, now)

    def _set_aside(self, now: int) -> Any:
        async def set_aside(connection: AsyncConnection, row: SubmissionRow) -> None:
            await submissions.change(connection, row.id, {"due_at": now + SET_ASIDE_FOR}, now)

        return set_aside

    def _set_aside_back(self, now: int) -> Any:
        async def set_aside(connection: AsyncConnection, back: SubmitBack) -> None:
            await self._set_aside(now)(connection, back.item)

        return set_aside


@dataclass
class Upload:
    """A file on its way, which tells how much of it has been read."""

    stream: BinaryIO
    sent: int = 0
    _shown: int = 0
    _shown_at: int = 0

    def read(self, size: int = -1) -> bytes:
        piece = self.stream.read(size)
        self.sent += len(piece)
        return piece

    def fileno(self) -> int:
        return self.stream.fileno()

    def has_news(self, now: int) -> bool:
        if self.sent == self._shown or now < self._shown_at + SECOND:
            return False
        self._shown, self._shown_at = self.sent, now
        return True


def _trouble(answer: Said) -> Troubled | None:
    if isinstance(answer, SubmitLater):
        return answer.trouble
    return answer if isinstance(answer, Troubled) else None


def _jsonl(name: str) -> str:
    """The upload's file name, which has to end so."""
    return name if name.endswith(".jsonl") else f"{PurePath(name).stem or 'requests'}.jsonl"
