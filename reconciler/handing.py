"""Handing on to one target: its round again and again, for as long as its lease is ours."""

import asyncio

import structlog

from reconciler.keeping import LONGEST_REST, REST_AFTER_STORE_TROUBLE, SHORTEST_REST, until_first
from reconciler.rounds.handing import HandingRound
from reconciler.target import Target
from schemas.times import SECOND
from storage import handoffs
from storage.engine import StoreAway
from storage.waiting import happens_within, stop_if_asked

log = structlog.get_logger()


class Handing:
    """The round of one owned target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._round = HandingRound(target)

    async def keep(self, lease_length: int) -> None:
        """Go on until the lease is lost: then LeaseLost. A store that is away is waited for."""
        try:
            await until_first(self._renew(lease_length), self._turn_for_ever())
        finally:
            await self._stop()

    async def until_quiet(self, lease_length: int) -> int:
        """Turn until nothing is due and nothing is under way. How many attempts were made."""
        made = 0
        renewing = asyncio.create_task(self._renew(lease_length))
        try:
            while (came := await self._turn()) or self._round.asking.busy:
                made += came
                if not came:
                    await happens_within(self.target.woken, await self._rest())
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self._stop()
        return made

    async def _turn(self) -> int:
        self.target.woken.clear()
        return await self._round.run_once(self.target.clock())

    async def _turn_for_ever(self) -> None:
        while True:
            try:
                await self._turn()
                rest = await self._rest()
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", target=self.target.name, error=str(error))
                rest = REST_AFTER_STORE_TROUBLE
            await happens_within(self.target.woken, rest)

    async def _rest(self) -> float:
        """Seconds until something falls due. What is due already waits for an attempt to end, which wakes us."""
        now = self.target.clock()
        async with self.target.store.reading() as connection:
            due = await handoffs.next_due(connection, self.target.name, now)
        return LONGEST_REST if due is None else max(SHORTEST_REST, min((due - now) / SECOND, LONGEST_REST))

    async def _renew(self, length: int) -> None:
        while True:
            await asyncio.sleep(length / SECOND / 3)
            try:
                await self.target.renew(length)
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", target=self.target.name, error=str(error))

    async def _stop(self) -> None:
        """Break off what is under way: it is due still, and will be told again, under the same id."""
        await self._round.asking.stop()
