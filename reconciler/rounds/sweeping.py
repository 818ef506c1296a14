"""The sweep round: the list is looked through for jobs that we do not know, and serves as its word on those that we do."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.asking import BROKEN, Asking, Back
from reconciler.making import made
from reconciler.news import News, about
from reconciler.owned import Owned
from reconciler.pace import clamp, spread
from reconciler.pages import Listed, has_list, read_list
from reconciler.rounds.each import write_each
from reconciler.rounds.listing import BATCH, known_of, take_in
from reconciler.sweep import Sorting, Swept, sort
from schemas.ids import parse
from schemas.readings import Observation, Page
from schemas.tables import SubmissionRow
from schemas.times import MINUTE, SECOND
from schemas.words import Origin
from storage import jobs, submissions

MOST_PAGES = 50
AFTER_TROUBLE = MINUTE
_ONLY = 0  # the number of the one sweep that can be in flight

Birth = tuple[Observation, SubmissionRow | None]


class SweepRound:
    """The sweep round of one source. Its first turn is at once, unless whoever had the source before us has just swept."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[None, Listed] = owned.asking(self._ask, Listed(Page(), BROKEN))
        self.due_at: int | None = first_due(owned.swept.at, self._every, owned.clock()) if has_list(owned) else None

    async def run_once(self, now: int) -> int:
        """Take in what has come back, and ask when it is time. How many answers and questions that were."""
        answers = self.asking.answers()
        for back in answers:
            await self._write(back, now)
        return len(answers) + await self._start(now)

    async def _start(self, now: int) -> int:
        owned = self._owned
        if self.due_at is None or now < self._wanted_at(self.due_at) or self.asking.busy or not owned.may_start(now):
            return 0
        if owned.circuit.asking_again_at is not None and await self._has_jobs():
            return 0  # to see whether a source is back, a job will do
        owned.list_wanted_at = None
        self.asking.start(_ONLY, None)
        return 1

    def _wanted_at(self, due_at: int) -> int:
        """When its turn comes, or when somebody wants it before."""
        wanted_at = self._owned.list_wanted_at
        return due_at if wanted_at is None else min(due_at, wanted_at)

    async def _has_jobs(self) -> bool:
        """Some job will be asked about, now or later."""
        owned = self._owned
        async with owned.store.reading() as connection:
            return await jobs.next_due(connection, owned.source.name) is not None

    async def _ask(self, _: None) -> Listed:
        return await read_list(self._owned, MOST_PAGES)

    async def _write(self, back: Back[None, Listed], now: int) -> None:
        owned, listed = self._owned, back.answer
        if listed.is_in_vain:
            owned.swept = replace(owned.swept, message=listed.message)
        else:
            await self._take_in(listed, back.sent_at, now)
        if listed.trouble is None:
            owned.listing = replace(owned.listing, sent_at=back.sent_at)
        owned.answered(listed.trouble, now, "list")
        self.due_at = now + self._pause(listed, now)
        self.asking.written([_ONLY])

    def _pause(self, listed: Listed, now: int) -> int:
        if listed.trouble is None or listed.is_refused:
            return spread(self._every, self._owned.jitter())
        return max(spread(min(self._every, AFTER_TROUBLE), self._owned.jitter()), clamp(listed.trouble.retry_after))

    @property
    def _every(self) -> int:
        return int(self._owned.source.sweep_seconds * SECOND)

    async def _take_in(self, listed: Listed, sent_at: int, now: int) -> None:
        owned, page = self._owned, listed.page
        known = await known_of(owned, page)
        await take_in(owned, known, page, sent_at, now)
        names = {(job.kind, job.job_id) for job in known}
        sorting = await self._sort([seen for seen in page.observations if (seen.kind, seen.job_id) not in names])
        await self._bear([*sorting.ours, *((seen, None) for seen in sorting.adopted)], now)
        owned.swept = Swept(now, sorting.orphans_by_kind, page.is_full, page.unreadable, listed.message)

    async def _sort(self, unknown: Sequence[Observation]) -> Sorting:
        owned = self._owned
        source = owned.source
        files = {seen.input_file_id for seen in unknown if seen.input_file_id}
        tokens = {number for seen in unknown if (number := parse(seen.submission or "", "sub")) is not None}
        async with owned.store.reading() as connection:
            made = await submissions.that_may_have_made(connection, source.name, files, tokens)
            room = 0
            if source.adopt == "all":
                room = source.adopt_limit - await jobs.adopted_open(connection, source.name, source.adopt_limit)
        return sort(unknown, made, source.adopt, owned.terms.listening_since, room)

    async def _bear(self, births: Sequence[Birth], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, birth: Birth) -> None:
            seen, submission = birth
            if submission is not None:
                await made(connection, owned, submission.id, seen.kind, seen.job_id, Origin.SWEEP, now)
                return
            identity = (owned.source.name, seen.kind, seen.job_id)
            hands_on = owned.source.fetch_adopted
            job = await jobs.bear(connection, owned.store.new_id(), identity, Origin.SWEEP, now, hands_on=hands_on)
            owned.news.append(News("job_adopted", {**about(job), "origin": Origin.SWEEP.value}))

        async def set_aside(_connection: AsyncConnection, _birth: Birth) -> None:
            """The next sweep finds it again."""

        for start in range(0, len(births), BATCH):
            await write_each(owned, births[start : start + BATCH], write, set_aside, ("", ""))


def first_due(swept_at: int | None, every: int, now: int) -> int:
    """When a source that was last swept at some time, perhaps by another process, is to be swept again."""
    return now if swept_at is None or not swept_at <= now < swept_at + every else swept_at + every
