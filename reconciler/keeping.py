"""Keeping one source: its rounds in order, again and again, for as long as its lease is ours."""

import asyncio

import structlog

from reconciler.circuit import Circuit
from reconciler.owned import Owned
from reconciler.rounds import judging
from reconciler.rounds.acting import ActionRound
from reconciler.rounds.looking import OutputRound
from reconciler.rounds.polling import PollRound
from schemas.times import SECOND
from storage import actions, jobs, outputs, sources
from storage.engine import StoreAway
from storage.points import reach

log = structlog.get_logger()

SHORTEST_REST, LONGEST_REST = 0.05, 1.0
REST_AFTER_STORE_TROUBLE = 1.0


def stop_if_asked() -> None:
    """A cancellation counts, even when an error of the store has taken its place on the way up."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Keeping:
    """The rounds of one owned source."""

    def __init__(self, owned: Owned) -> None:
        self.owned = owned
        self._saved: Circuit | None = None  # what the store shows may be from the process before us
        self._actions = ActionRound(owned)
        self._polls = PollRound(owned)
        self._outputs = OutputRound(owned)

    async def keep(self, lease_length: int, handing_over: asyncio.Event) -> None:
        """Go on until it is to be handed over, or the lease is lost: then LeaseLost. A store that is away is waited for."""
        tasks = {
            asyncio.create_task(work)
            for work in (self._renew(lease_length), self._turn_for_ever(), handing_over.wait())
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.stop()

    async def until_quiet(self, lease_length: int) -> int:
        """Turn until nothing is due and nothing is under way. How much was done."""
        done = 0
        renewing = asyncio.create_task(self._renew(lease_length))
        try:
            while (did := await self.turn()) or self._is_busy():
                done += did
                if not did:
                    await self.owned.woken.wait()
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self.stop()
        return done

    async def turn(self) -> int:
        """Every round once. One `now` for all of it."""
        self.owned.woken.clear()
        now = self.owned.clock()
        did = await judging.run_once(self.owned, now)
        rounds: list[ActionRound | PollRound | OutputRound] = [self._actions, self._polls, self._outputs]
        if self.owned.circuit.asking_again_at is not None:
            rounds = [self._polls, self._outputs, self._actions]  # a cancel that is refused must not take every try
        for round_ in rounds:
            did += await round_.run_once(now)
        await self._save_circuit()
        return did

    async def stop(self) -> None:
        """Give up what is in flight: it is due still, and will be asked again."""
        for round_ in (self._actions, self._polls, self._outputs):
            await round_.asking.stop()

    async def _turn_for_ever(self) -> None:
        while True:
            try:
                did = await self.turn()
                rest = 0 if did >= judging.BATCH else await self._rest()
            except StoreAway as error:
                stop_if_asked()
                log.error("store_trouble", source=self.owned.source.name, error=str(error))
                rest = REST_AFTER_STORE_TROUBLE
            try:
                await asyncio.wait_for(self.owned.woken.wait(), rest)
                reach("R7")
            except TimeoutError:
                continue

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
        name, now = self.owned.source.name, self.owned.clock()
        async with self.owned.store.reading() as connection:
            due = [await noun.next_due(connection, name) for noun in (jobs, actions, outputs)]
        soonest = min((at for at in due if at is not None and at > now), default=now + SECOND)
        return max(SHORTEST_REST, min((soonest - now) / SECOND, LONGEST_REST))

    async def _save_circuit(self) -> None:
        """Show the trouble of a source, and its end, to whoever looks."""
        circuit = self.owned.circuit
        if circuit == self._saved:
            return
        shown = (circuit.trouble, circuit.message, circuit.since, circuit.asking_again_at)
        names = ("trouble", "trouble_message", "trouble_since", "asking_again_at")
        async with self.owned.writing() as connection:
            await sources.change(connection, self.owned.source.name, dict(zip(names, shown, strict=True)))
        if circuit.trouble != (self._saved.trouble if self._saved else None):
            log.warning(
                "source_trouble", source=self.owned.source.name, trouble=circuit.trouble, message=circuit.message
            )
        self._saved = circuit

    def _is_busy(self) -> bool:
        return any(round_.asking.busy for round_ in (self._actions, self._polls, self._outputs))
