"""Keeping one source: its rounds in order, again and again, for as long as its lease is ours."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from reconciler.asking import Asking
from reconciler.owned import Owned
from reconciler.rounds import judging, stale
from reconciler.rounds.acting import ActionRound
from reconciler.rounds.fetching import FetchRound
from reconciler.rounds.finding import FindRound
from reconciler.rounds.listing import ListRound
from reconciler.rounds.looking import LookRound
from reconciler.rounds.matching import MatchRound
from reconciler.rounds.polling import PollRound
from reconciler.rounds.submitting import SubmitRound
from reconciler.rounds.sweeping import SweepRound
from reconciler.rounds.watching import WatchRound
from reconciler.showing import Showing
from schemas.times import SECOND
from storage import actions, jobs, outputs, submissions
from storage.engine import StoreAway
from storage.points import reach
from storage.waiting import happens_within, stop_if_asked

log = structlog.get_logger()

SHORTEST_REST, LONGEST_REST = 0.05, 1.0
REST_AFTER_STORE_TROUBLE = 1.0
LAST_WORDS_SECONDS = 1.0


async def until_first(*works: Coroutine[Any, Any, Any]) -> None:
    """Work at all of them until the first one ends, then until the others have been cleaned up. What broke one is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Keeping:
    """The rounds of one owned source."""

    def __init__(self, owned: Owned) -> None:
        self.owned = owned
        self._showing = Showing(owned)
        self._actions = ActionRound(owned)
        self._lists = ListRound(owned)
        self._polls = PollRound(owned, self._lists)
        self._sweep = SweepRound(owned)
        self._looks = LookRound(owned)
        self._fetches = FetchRound(owned)
        self._matches = MatchRound(owned)
        self._submissions = SubmitRound(owned)
        self._watches = WatchRound(owned)
        self._findings = FindRound(owned)
        self._follows = False

    async def keep(self, lease_length: int, handing_over: asyncio.Event) -> None:
        """Go on until it is to be handed over, or the lease is lost: then LeaseLost. A store that is away is waited for."""
        self._follows = True
        try:
            await until_first(self._renew(lease_length), self._turn_for_ever(), handing_over.wait())
            await self._showing.save(self.owned.clock(), at_once=True)
        finally:
            await self.stop()

    async def until_quiet(self, lease_length: int) -> int:
        """Turn until nothing is due and nothing is under way. How much was done."""
        done = 0
        renewing = asyncio.create_task(self._renew(lease_length))
        try:
            while (did := await self.turn()) or self._is_busy() or await self._waits_for_budget():
                done += did
                if not did:
                    await happens_within(self.owned.woken, await self._rest())
            await self._showing.save(self.owned.clock(), at_once=True)
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self.stop()
        return done

    async def until_submitted(self, lease_length: int) -> None:
        """Send what is stored to be submitted, until nothing of it is due and nothing is under way."""
        renewing = asyncio.create_task(self._renew(lease_length))
        try:
            while True:
                self.owned.woken.clear()
                now = self.owned.clock()
                if not await self._submissions.run_once(now) and await self._submissions.is_quiet(now):
                    return
                await happens_within(self.owned.woken, LONGEST_REST)
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self.stop()

    async def turn(self) -> int:
        """Every round once. One `now` for all of it."""
        self.owned.woken.clear()
        now = self.owned.clock()
        did = await judging.run_once(self.owned, now) + await stale.run_once(self.owned, now)
        for round_ in self._rounds():
            did += await round_(now)
        did += await self._findings.run_once(now)
        await self._showing.save(now)
        return did

    def _rounds(self) -> list[Callable[[int], Awaitable[int]]]:
        """In which order the rounds may spend what concurrency and budget leave: what is wanted first, routine last."""
        actions, wanted, routine = self._actions.run_once, self._polls.run_once, self._polls.routine
        lists, sweep, submissions = self._lists.run_once, self._sweep.run_once, self._submissions.run_once
        looks, fetches, matches = self._looks.run_once, self._fetches.run_once, self._matches.run_once
        watches = [self._watches.run_once] if self._follows else []  # who comes only once has no time to listen
        if self.owned.circuit.asking_again_at is not None:
            # A cancel that is refused must not take every try.
            return [*watches, lists, sweep, wanted, routine, looks, fetches, matches, actions, submissions]
        return [*watches, actions, submissions, lists, wanted, sweep, looks, fetches, matches, routine]

    async def stop(self) -> None:
        """Give up what is in flight: it is due still, and will be asked again. And listen to nobody any more."""
        await asyncio.gather(self._watches.stop(), *(asking.stop() for asking in self._askings))
        await self._last_words()

    async def _last_words(self) -> None:
        """What was counted is written, if the store takes it soon: nobody waits for counters."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._showing.last_words(self.owned.clock())
        except (StoreAway, TimeoutError) as error:
            log.error(
                "tallies_not_stored", source=self.owned.source.name, error=str(error) or "the store took too long"
            )

    async def _turn_for_ever(self) -> None:
        while True:
            try:
                did = await self.turn()
                rest = 0 if did >= judging.BATCH else await self._rest()
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", source=self.owned.source.name, error=str(error))
                rest = REST_AFTER_STORE_TROUBLE
            if await happens_within(self.owned.woken, rest):
                reach("R7")

    async def _waits_for_budget(self) -> bool:
        """Something is due, and nothing but the budget keeps it from being asked."""
        owned, now = self.owned, self.owned.clock()
        if owned.budget.left(now, 1) or owned.circuit.asking_again_at is not None:
            return False
        return any(at is not None and at <= now for at in await self._due())

    async def _due(self) -> list[int | None]:
        """When the next of each noun falls due."""
        async with self.owned.store.reading() as connection:
            nouns = (jobs, actions, outputs, submissions)
            queries = [*(noun.next_due for noun in nouns), jobs.next_match_due, jobs.next_stale]
            return [await next_due(connection, self.owned.source.name) for next_due in queries]

    async def _renew(self, length: int) -> None:
        while True:
            await asyncio.sleep(length / SECOND / 3)
            try:
                await self.owned.renew(length)
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", source=self.owned.source.name, error=str(error))

    async def _rest(self) -> float:
        """Seconds until something falls due. What is due already waits for an answer or for the circuit."""
        now = self.owned.clock()
        due = [*await self._due(), self._sweep.due_at, self.owned.list_wanted_at, self.owned.budget.next_at(now)]
        soonest = min((at for at in due if at is not None and at > now), default=now + SECOND)
        return max(SHORTEST_REST, min((soonest - now) / SECOND, LONGEST_REST))

    def _is_busy(self) -> bool:
        return any(asking.busy for asking in self._askings)

    @property
    def _askings(self) -> list[Asking[Any, Any]]:
        """What may be under way. A match asks nobody, and so does not count with the questions of the source."""
        return [*self.owned.askings, self._matches.asking]
