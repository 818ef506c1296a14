"""The look round: do the files that ended jobs name exist? Their records are read; what is to be fetched is due for that then."""

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


class LookRound:
    """The look round of one source."""

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
            due = await outputs.due(connection, owned.source.name, now, free, busy, (OutputState.NAMED,))
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
            job = await jobs.get(connection, row.job)
            hands_on = job is not None and bool(job.hands_on)
            changes = found(row, back.answer, hands_on, owned.pace.output_patience, now)
            await outputs.change(connection, row.id, changes)
            if hands_on and changes.get("state") == OutputState.UNREADABLE:
                await jobs.change(connection, row.job, {"match_due_at": now}, now)
            await review_job(connection, owned, row.job, now, answered=False)
            if isinstance(back.answer, Denied) and changes["due_at"] is not None:
                # A file may be out of reach until the gateway has noticed it, which asking for the job makes it do. After the
                # review, which decides anew when a job that has ended is asked about.
                await jobs.change(connection, row.job, {"due_at": now}, now)

        async def set_aside(connection: AsyncConnection, back: LookBack) -> None:
            await outputs.change(connection, back.item.id, {"due_at": now + SET_ASIDE_FOR})

        await write_each(owned, answers, write, set_aside, ("", ""))
        for back in answers:
            trouble = back.answer if isinstance(back.answer, Troubled) else None
            owned.answered(trouble, now, "look", isinstance(back.answer, Denied))
        self.asking.written([back.item.id for back in answers])


def found(row: OutputRow, answer: Looked, is_fetched: bool, patience: int, now: int) -> dict[str, Any]:
    """What one look changes. `is_fetched`: what exists is fetched then, at once.

    Only denials count against a file: trouble on the way says nothing of it.
    """
    checked = {"checked_at": now, "checks": row.checks + 1}
    wait = growing(OUTPUT_FIRST, 2.0, row.checks, patience or OUTPUT_FIRST)
    since = row.denied_since or now
    match answer:
        case FileExists():
            exists = {"state": OutputState.EXISTS.value, "size": answer.size, "due_at": now if is_fetched else None}
            return {**checked, **exists, "denied_since": None, "message": row.message if row.fetches else None}
        case Denied() if now - since >= patience:
            unreadable = {"state": OutputState.UNREADABLE.value, "due_at": None}
            return {**checked, **unreadable, "denied_since": since, "message": answer.message}
        case Denied():
            again = min(now + wait, since + patience)
            return {**checked, "denied_since": since, "due_at": again, "message": answer.message}
        case Troubled():
            return {**checked, "due_at": now + max(wait, clamp(answer.retry_after)), "message": answer.message}
