"""The poll round: jobs that are due are asked about, wanted ones first, and their answers are applied as they come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import in_trouble
from reconciler.asking import BROKEN, Asking, Back
from reconciler.correlation import request_id_of
from reconciler.listing import AHEAD, choose
from reconciler.news import about
from reconciler.owned import Owned
from reconciler.record import record
from reconciler.rounds.each import write_each
from reconciler.rounds.listing import ListRound
from schemas.readings import Accepted, CancelRefused, Denied, Observation, Observed, Response, Troubled
from schemas.tables import JobRow
from schemas.times import MINUTE
from schemas.words import Asked, Trouble
from storage import jobs
from storage.points import reach

SET_ASIDE_FOR = 5 * MINUTE
LOOK = 100  # how many jobs, due or nearly, are looked at to see whether the list could spare us some


@dataclass(frozen=True, slots=True)
class Polled:
    """What came back about one job, the URL that was offered and not followed, and the provider's id of the question."""

    answer: Observed | Denied | Troubled
    mismatch: str | None
    request_id: str | None = None


PollBack = Back[JobRow, Polled]


class PollRound:
    """The poll round of one source. Its routine may leave some questions to the list."""

    def __init__(self, owned: Owned, lists: ListRound) -> None:
        self._owned = owned
        self._lists = lists
        self.asking: Asking[JobRow, Polled] = owned.asking(self._ask, Polled(BROKEN, None))

    async def run_once(self, now: int) -> int:
        """Write what has come back and ask about wanted jobs. How many answers and questions that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        free = self._owned.may_start(now)
        if not free:
            return len(answers)
        async with self._owned.store.reading() as connection:
            wanted = await jobs.wanted_due(connection, self._owned.source.name, now, free, self.asking.busy)
        return len(answers) + self._start(wanted)

    async def routine(self, now: int) -> int:
        """Ask about the other jobs that are due, by the list where that may do. How many questions that were."""
        owned, lists = self._owned, self._lists
        free = owned.may_start(now)
        if not free:
            return 0
        looks = lists.in_flight or lists.may_be_asked(now)
        async with owned.store.reading() as connection:
            limit = max(free, LOOK) if looks else free
            until = now + AHEAD if looks else now
            soon = await jobs.routine_due(connection, owned.source.name, until, limit, self.asking.busy)
        if not looks:
            return self._start(soon)
        kinds = owned.dialect.listed_kinds
        choice = choose(soon, kinds, owned.listing, lists.in_flight, owned.list_trust, now)
        if choice.ask_list:
            lists.start(choice.hoped)
        elif not lists.in_flight:
            owned.listing = owned.listing.looked(now)
        return choice.ask_list + self._start(choice.singly[: owned.may_start(now)])

    def _start(self, due: Sequence[JobRow]) -> int:
        for job in due:
            reach("P1")
            self.asking.start(job.id, job)
        return len(due)

    async def _ask(self, job: JobRow) -> Polled:
        return await ask_about(self._owned, job)

    async def _write(self, answers: list[PollBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: PollBack) -> None:
            polled = back.answer
            number, sent_at, name = back.item.id, back.sent_at, polled.request_id
            await record(connection, owned, number, Asked.POLL, sent_at, polled.answer, polled.mismatch, now, name)

        async def set_aside(connection: AsyncConnection, back: PollBack) -> None:
            trouble = in_trouble(back.item, Trouble.POISON, "an answer about this job could not be applied", now)
            await jobs.change(connection, back.item.id, {**trouble, "due_at": now + SET_ASIDE_FOR}, now)

        await write_each(owned, answers, write, set_aside, ("P4", "P5"), named=lambda back: about(back.item))
        for back in answers:
            trouble = back.answer.answer if isinstance(back.answer.answer, Troubled) else None
            owned.answered(trouble, now, "poll", isinstance(back.answer.answer, Denied))
        self.asking.written([back.item.id for back in answers])
        if answers:
            reach("P6")


async def ask_about(owned: Owned, job: JobRow) -> Polled:
    """Ask the provider about one job, by each question of its dialect until one is not answered that there is no such job."""
    if job.kind not in owned.dialect.kinds:
        return Polled(Troubled(Trouble.REQUEST, f"jobs of kind {job.kind} cannot be asked about"), None)
    polled = Polled(Troubled(Trouble.REQUEST, "there is nothing to ask"), None)
    for place, question in enumerate(owned.dialect.poll(owned.source.base_url, job.kind, job.job_id, job.polling_url)):
        if place:
            owned.spend()
        response = await owned.client.send(question, ("P2", "P3"))
        if not isinstance(response, Response):
            return Polled(response, question.mismatch)
        answer = owned.dialect.read_poll(job.kind, job.job_id, response, question)
        if isinstance(answer, CancelRefused | Accepted):
            answer = Troubled(Trouble.UNREADABLE, "the answer to a question about status speaks of an action")
        polled = Polled(answer, question.mismatch, request_id_of(response))
        if not isinstance(answer, Denied):
            break
    if isinstance(polled.answer, Observed) and owned.dialect.place_by_socket and job.polling_url is None:
        return Polled(await _placed(owned, job, polled.answer.observation), polled.mismatch)
    return polled


async def _placed(owned: Owned, job: JobRow, said: Observation) -> Observed:
    """What a job was answered, with where else it can be asked about, as far as its socket tells. Once told, that is kept."""
    question = owned.dialect.socket(owned.source.base_url, job.kind, job.job_id)
    if question is None or said.polling_url is not None:
        return Observed(said)
    owned.spend()
    first = await owned.ask(question)
    told = (
        owned.dialect.read_socket(job.kind, job.job_id, first.body.decode("utf-8", "replace"))
        if isinstance(first, Response)
        else None
    )
    place = told.observation.polling_url if isinstance(told, Observed) else None
    return Observed(replace(said, polling_url=place))
