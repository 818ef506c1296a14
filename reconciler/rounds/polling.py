"""The poll round: jobs that are due are asked about, wanted ones first, and their answers are applied as they come."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import in_trouble
from reconciler.asking import BROKEN, Asking, Back
from reconciler.owned import Owned
from reconciler.record import record
from reconciler.rounds.each import write_each
from schemas.readings import CancelRefused, Denied, Observed, Response, Troubled
from schemas.tables import JobRow
from schemas.times import MINUTE
from schemas.words import Asked, Trouble
from storage import jobs
from storage.points import reach

SET_ASIDE_FOR = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Polled:
    """What came back about one job, and the URL that was offered and not followed."""

    answer: Observed | Denied | Troubled
    mismatch: str | None


PollBack = Back[JobRow, Polled]


class PollRound:
    """The poll round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[JobRow, Polled] = Asking(self._ask, Polled(BROKEN, None), owned.clock, owned.woken.set)
        owned.askings.append(self.asking)

    async def run_once(self, now: int) -> int:
        """Write what has come back and ask about what is due. How many answers and questions that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        return len(answers) + await self._start(now)

    async def _start(self, now: int) -> int:
        owned, busy = self._owned, self.asking.busy
        free = owned.may_start(now)
        if not free:
            return 0
        async with owned.store.reading() as connection:
            due = await jobs.due(connection, owned.source.name, now, free, busy)
        for job in due:
            reach("P1")
            self.asking.start(job.id, job)
        return len(due)

    async def _ask(self, job: JobRow) -> Polled:
        owned = self._owned
        if job.kind not in owned.dialect.kinds:
            return Polled(Troubled(Trouble.REQUEST, f"jobs of kind {job.kind} cannot be asked about"), None)
        question = owned.dialect.poll(owned.source.base_url, job.kind, job.job_id, job.polling_url)
        response = await owned.client.send(question, ("P2", "P3"))
        if not isinstance(response, Response):
            return Polled(response, question.mismatch)
        answer = owned.dialect.read_poll(job.kind, job.job_id, response)
        if isinstance(answer, CancelRefused):
            answer = Troubled(Trouble.UNREADABLE, "the answer to a question about status speaks of a cancel")
        return Polled(answer, question.mismatch)

    async def _write(self, answers: list[PollBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: PollBack) -> None:
            polled = back.answer
            await record(connection, owned, back.item.id, Asked.POLL, back.sent_at, polled.answer, polled.mismatch, now)

        async def set_aside(connection: AsyncConnection, back: PollBack) -> None:
            trouble = in_trouble(back.item, Trouble.POISON, "an answer about this job could not be applied", now)
            await jobs.change(connection, back.item.id, {**trouble, "due_at": now + SET_ASIDE_FOR}, now)

        await write_each(owned, answers, write, set_aside, ("P4", "P5"))
        for back in answers:
            trouble = back.answer.answer if isinstance(back.answer.answer, Troubled) else None
            owned.circuit = owned.circuit.after(trouble, now)
        self.asking.written([back.item.id for back in answers])
        if answers:
            reach("P6")
