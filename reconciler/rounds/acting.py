"""The actions round: what operators and automation asked for is carried out. The job's truth stays what its status says."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import claimed
from reconciler.asking import BROKEN, Asking, Back
from reconciler.correlation import request_id_of
from reconciler.effects import ENDED_BY_THE_END, moot, over
from reconciler.news import News, about
from reconciler.owned import Owned
from reconciler.pace import RETRY_FIRST, clamp, growing
from reconciler.record import record, review_job
from reconciler.rounds.each import write_each
from reconciler.rounds.polling import ask_about
from schemas.ids import shown
from schemas.readings import Accepted, Answer, CancelRefused, Denied, Observed, Response, Troubled
from schemas.tables import ActionRow, JobRow
from schemas.times import MINUTE
from schemas.words import ActionState, ActionVerb, Asked, Status
from storage import actions, jobs

SET_ASIDE_FOR = 5 * MINUTE
LONGEST_RETRY = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Acted:
    """What came back of one action. `is_look`: of the look at the job before it, and nothing else was sent. `request_id`: the
    provider's, of the question."""

    answer: Answer
    mismatch: str | None = None
    is_look: bool = False
    request_id: str | None = None


Item = tuple[ActionRow, JobRow]
ActBack = Back[Item, Acted]


class ActionRound:
    """The actions round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[Item, Acted] = owned.asking(self._ask, Acted(BROKEN))

    async def run_once(self, now: int) -> int:
        """Write what has come back and begin what is due. How many answers and beginnings that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        return len(answers) + await self._start(now)

    async def _start(self, now: int) -> int:
        owned, busy = self._owned, self.asking.busy
        async with owned.store.reading() as connection:
            found = await actions.due(connection, owned.source.name, now, owned.concurrency, busy)
        due = _startable(found, owned.may_start(now))
        begun: dict[int, Item] = {}

        async def write(connection: AsyncConnection, action: ActionRow) -> None:
            job = await self._begin(connection, action, now)
            if job is not None:
                begun[action.id] = (action, job)

        async def set_aside(connection: AsyncConnection, action: ActionRow) -> None:
            await actions.change(connection, action.id, {"due_at": now + SET_ASIDE_FOR})

        await write_each(owned, due, write, set_aside, ("", "C1"))
        for number, item in begun.items():
            self.asking.start(number, item)
        return len(due)

    async def _begin(self, connection: AsyncConnection, action: ActionRow, now: int) -> JobRow | None:
        """Do what needs nobody else, or note that something is about to be sent: then the job that it is about."""
        job = await _job(connection, action)
        if action.verb == ActionVerb.POLL:
            again = {"match_due_at": now} if job.hands_on and Status(job.status).is_terminal else {}
            await jobs.change(connection, job.id, {**claimed(job, None, now), **again}, now)
            await self._change(connection, action, job, over(ActionState.DONE, now))
            self._owned.circuit = self._owned.circuit.tried_at(now)  # who asks now may know that it has been mended
            return None
        if Status(job.status).is_terminal:
            await self._change(connection, action, job, moot(job.status, now))
            await review_job(connection, self._owned, job.id, now, answered=False)
            return None
        # It stays due until it is answered: whoever comes after us, if we die meanwhile, sends it again at once.
        await actions.change(connection, action.id, {"sends": action.sends + 1, "sent_at": action.sent_at or now})
        told = {"asked_by": action.asked_by, "sends": action.sends + 1, "cancel_url_present": action.cancel_url_present}
        self._owned.news.append(News("action_sent", {**_named(action, job), **told}))
        return job

    async def _change(
        self,
        connection: AsyncConnection,
        action: ActionRow,
        job: JobRow,
        changes: dict[str, Any],
        request_id: str | None = None,
    ) -> None:
        """Write what became of an action, and have it logged."""
        await actions.change(connection, action.id, changes)
        told = {name: changes.get(name) for name in ("state", "http_status", "message")}
        named = {**_named(action, job), **told, "request_id": request_id}
        is_over = told["state"] is not None
        self._owned.news.append(
            News("action_answered", named) if is_over else News("action_unanswered", named, "warning")
        )

    async def _ask(self, item: Item) -> Acted:
        (action, job), owned = item, self._owned
        verb, dialect = ActionVerb(action.verb), owned.dialect
        if job.kind not in dialect.kinds:
            return Acted(CancelRefused(501, f"jobs of kind {job.kind} cannot be acted on from here", cannot=True))
        offered = job.cancel_url if verb is ActionVerb.CANCEL else None
        question = dialect.act(owned.source.base_url, verb, job.kind, job.job_id, offered)
        if question is None:
            return Acted(CancelRefused(501, f"{dialect.name} has no {verb} for such jobs", cannot=True))
        if dialect.looks_before_acting:
            owned.spend()
            polled = await ask_about(owned, job)
            if not isinstance(polled.answer, Observed) or polled.answer.observation.status.is_terminal:
                return Acted(polled.answer, polled.mismatch, is_look=True, request_id=polled.request_id)
        response = await owned.client.send(question, ("C2", "C3"))
        if not isinstance(response, Response):
            return Acted(response, question.mismatch)
        answer = dialect.read_act(verb, job.kind, job.job_id, response)
        return Acted(answer, question.mismatch, request_id=request_id_of(response))

    async def _write(self, answers: list[ActBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: ActBack) -> None:
            await self._answered(connection, back, now)

        async def set_aside(connection: AsyncConnection, back: ActBack) -> None:
            await actions.change(connection, back.item[0].id, {"due_at": now + SET_ASIDE_FOR})

        await write_each(owned, answers, write, set_aside, ("", "C4"), named=lambda back: _named(*back.item))
        for back in answers:
            answer = back.answer.answer
            trouble = answer if isinstance(answer, Troubled) else None
            owned.answered(trouble, now, back.item[0].verb, isinstance(answer, Denied))
        self.asking.written([back.item[0].id for back in answers])

    async def _answered(self, connection: AsyncConnection, back: ActBack, now: int) -> None:
        (action, _), acted = back.item, back.answer
        answer = acted.answer
        job = await _job(connection, action)  # as it is now: news may have come while the action was on its way
        await self._change(connection, action, job, _outcome(action, job, acted, now), acted.request_id)
        match answer:
            case Observed() | Denied() if acted.is_look or isinstance(answer, Observed):
                asked = Asked.POLL if acted.is_look else Asked.CANCEL
                await record(connection, self._owned, job.id, asked, back.sent_at, answer, acted.mismatch, now)
            case CancelRefused() | Denied() | Accepted():
                # Whatever an action is answered, the next word is the status endpoint's.
                await jobs.change(connection, job.id, claimed(job, None, now), now)
                await review_job(connection, self._owned, job.id, now, answered=False)
            case Troubled():
                pass


def _startable(found: list[ActionRow], free: int) -> list[ActionRow]:
    """Those that send nothing by themselves, and as many others as may go out."""
    polls = [action for action in found if action.verb == ActionVerb.POLL]
    others = [action for action in found if action.verb != ActionVerb.POLL]
    return polls + others[:free]


def _named(action: ActionRow, job: JobRow) -> dict[str, Any]:
    return {"action": shown("act", action.id), "verb": action.verb, **about(job)}


async def _job(connection: AsyncConnection, action: ActionRow) -> JobRow:
    job = await jobs.get(connection, action.job)
    if job is None:
        raise LookupError(f"job {action.job} is not there")
    return job


def _outcome(action: ActionRow, job: JobRow, acted: Acted, now: int) -> dict[str, Any]:
    match acted.answer:
        case Observed(observation) if acted.is_look:
            return moot(observation.status, now)
        case Observed():
            return over(ActionState.ACCEPTED, now, http_status=200)
        case Accepted(message):
            return over(ActionState.ACCEPTED, now, http_status=200, message=message)
        case CancelRefused(http_status, message, cannot):
            is_incapable = cannot and action.verb == ActionVerb.CANCEL
            state = ActionState.NOT_CANCELLABLE if is_incapable else ActionState.REFUSED
            return over(state, now, http_status=http_status, message=message)
        case Denied(message):
            return over(ActionState.REFUSED, now, http_status=404, message=message)
        case Troubled() if action.verb in ENDED_BY_THE_END and Status(job.status).is_terminal:
            return moot(job.status, now)
        case Troubled() as trouble:
            wait = max(growing(RETRY_FIRST, 2.0, action.sends, LONGEST_RETRY), clamp(trouble.retry_after))
            return {"message": trouble.message, "http_status": trouble.http_status, "due_at": now + wait}
