"""The list round: when several routine jobs are due, one question about all goes before the questions about each."""

from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import Applied
from reconciler.asking import BROKEN, Asking, Back
from reconciler.listing import Listing, Word, hear
from reconciler.owned import Owned
from reconciler.pace import Circumstances
from reconciler.pages import Listed, Name, has_list, read_list
from reconciler.record import observation_row
from reconciler.rounds.each import write_each
from schemas.readings import Observation, Page
from schemas.tables import JobRow
from schemas.words import Asked
from storage import jobs, observations

MOST_PAGES = 3  # of all jobs, and of those that are open in one way or the other
BATCH = 25  # nobody else writes meanwhile: not the receiver either
_ONLY = 0  # the number of the one list that can be in flight

Heard = tuple[JobRow, Observation, Word]
Hoped = Collection[Name]


class ListRound:
    """The list round of one source. Whether its turn has come is for the poll round to say."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[Hoped, Listed] = owned.asking(self._ask, Listed(Page(), BROKEN))
        self.is_there = has_list(owned) and owned.list_trust > 0

    async def run_once(self, now: int) -> int:
        """Take in what has come back. How many answers that were."""
        answers = self.asking.answers()
        for back in answers:
            await self._write(back, now)
        return len(answers)

    @property
    def in_flight(self) -> bool:
        return bool(self.asking.busy)

    def may_be_asked(self, now: int) -> bool:
        owned = self._owned
        is_closed = owned.circuit.asking_again_at is None  # to see whether a source is back, a job will do
        return self.is_there and is_closed and not self.in_flight and now >= owned.listing.again_at

    def start(self, hoped: Hoped) -> None:
        """Ask the list, in the hope that it shows these jobs."""
        self.asking.start(_ONLY, hoped)

    async def _ask(self, hoped: Hoped) -> Listed:
        return await read_list(self._owned, MOST_PAGES, hoped)

    async def _write(self, back: Back[Hoped, Listed], now: int) -> None:
        owned, listed = self._owned, back.answer
        spared = 0
        if not listed.is_in_vain:
            known = await known_of(owned, listed.page)
            spared = await take_in(owned, known, listed.page, back.sent_at, now)
        owned.listing = _gone(owned.listing, listed, back.sent_at, spared, now, owned.dialect.list_pause)
        owned.answered(listed.trouble, now, "list")
        self.asking.written([_ONLY])


def _gone(listing: Listing, listed: Listed, sent_at: int, spared: int, now: int, least: int) -> Listing:
    """How asking the list has gone, after one more. Where only its further pages are refused, the first will do."""
    if listed.is_refused and listed.is_in_vain:
        return listing.refused(now)
    if listed.trouble is None or listed.is_refused:
        return listing.after(sent_at, spared, now, least)
    return listing.failed(listed.trouble.retry_after, now)


async def known_of(owned: Owned, page: Page) -> list[JobRow]:
    """The jobs of a page that we know."""
    async with owned.store.reading() as connection:
        identities = [(seen.kind, seen.job_id) for seen in page.observations]
        return await jobs.by_identities(connection, owned.source.name, identities)


async def take_in(owned: Owned, known: Sequence[JobRow], page: Page, sent_at: int, now: int) -> int:
    """Write what a page says about jobs that we know. How many single questions it spares us for now."""
    said = {(seen.kind, seen.job_id): seen for seen in page.observations}
    heard = [
        (job, seen, _hear(owned, job, seen, sent_at, now)) for job in known for seen in [said[job.kind, job.job_id]]
    ]
    telling = [item for item in heard if item[2].changes]

    async def write(connection: AsyncConnection, item: Heard) -> None:
        job, seen, word = item
        await jobs.change(connection, job.id, word.changes, now)
        if word.claims_end:
            row = observation_row(owned, job, Asked.LIST, seen, Applied(), None, now)
            await observations.observe(connection, row)

    async def set_aside(_connection: AsyncConnection, _item: Heard) -> None:
        """It stays as it was, and is asked about itself."""

    for start in range(0, len(telling), BATCH):
        await write_each(owned, telling[start : start + BATCH], write, set_aside, ("", ""))
    return sum(word.spares for _, _, word in telling)


def _hear(owned: Owned, job: JobRow, seen: Observation, sent_at: int, now: int) -> Word:
    about = Circumstances(webhook_expected=bool(job.has_webhook), source_silent=owned.hearing.is_silent(now))
    return hear(
        job, seen, sent_at, about, owned.pace_for(job), owned.rules_for(job), owned.list_trust, owned.jitter(), now
    )
