"""The outputs round: do the files that ended jobs name exist? They are looked up, not fetched."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.asking import BROKEN, Asking, Back
from reconciler.owned import Owned
from reconciler.pace import OUTPUT_FIRST, clamp, growing
from reconciler.record import review_job
from reconciler.rounds.each import write_each
from schemas.readings import Denied, FileExists, Response, Troubled
from schemas.tables import OutputRow
from schemas.times import MINUTE
from schemas.words import OutputState
from storage import jobs, outputs

SET_ASIDE_FOR = 5 * MINUTE
Looked = FileExists | Denied | Troubled
LookBack = Back[OutputRow, Looked]


class OutputRound:
    """The outputs round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[OutputRow, Looked] = owned.asking(self._ask, BROKEN)

    async def run_once(self, now: int) -> int:
        """Write what has come back and look for what is due. How many answers and questions that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        return len(answers) + await self._start(now)

    async def _start(self, now: int) -> int:
        owned, busy = self._owned, self.asking.busy
        free = owned.may_start(now)
        if not free:
            return 0
        async with owned.store.reading() as connection:
            due = await outputs.due(connection, owned.source.name, now, free, busy)
        for row in due:
            self.asking.start(row.id, row)
        return len(due)

    async def _ask(self, row: OutputRow) -> Looked:
        owned = self._owned
        response = await owned.client.send(owned.dialect.file(owned.source.base_url, row.file_id))
        return owned.dialect.read_file(row.file_id, response) if isinstance(response, Response) else response

    async def _write(self, answers: list[LookBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: LookBack) -> None:
            row = back.item
            await outputs.change(connection, row.id, found(row, back.answer, owned.pace.output_patience, now))
            if isinstance(back.answer, Denied):
                # A file may be out of reach until the gateway has noticed it, which asking for the job makes it do.
                await jobs.change(connection, row.job, {"due_at": now}, now)
            await review_job(connection, owned, row.job, now, answered=False)

        async def set_aside(connection: AsyncConnection, back: LookBack) -> None:
            await outputs.change(connection, back.item.id, {"due_at": now + SET_ASIDE_FOR})

        await write_each(owned, answers, write, set_aside, ("", ""))
        for back in answers:
            owned.circuit = owned.circuit.after(back.answer if isinstance(back.answer, Troubled) else None, now)
        self.asking.written([back.item.id for back in answers])


def found(row: OutputRow, answer: Looked, patience: int, now: int) -> dict[str, Any]:
    """What one look changes. Only denials count against a file: trouble on the way says nothing of it."""
    checked = {"checked_at": now, "checks": row.checks + 1}
    wait = growing(OUTPUT_FIRST, 2.0, row.checks, patience or OUTPUT_FIRST)
    match answer:
        case FileExists():
            return {**checked, "state": OutputState.EXISTS.value, "size": answer.size, "due_at": None, "message": None}
        case Denied() if now >= row.named_at + patience:
            return {**checked, "state": OutputState.UNREADABLE.value, "due_at": None, "message": answer.message}
        case Denied():
            return {**checked, "due_at": min(now + wait, row.named_at + patience), "message": answer.message}
        case Troubled():
            return {**checked, "due_at": now + max(wait, clamp(answer.retry_after)), "message": answer.message}
