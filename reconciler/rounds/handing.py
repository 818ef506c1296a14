"""The handing round of one target: what is due is told, and what came of it is written."""

import structlog

from reconciler.asking import Asking, Back
from reconciler.events import HANDOFF, about_id
from reconciler.outcome import Attempt, outcome, patience_of, spent
from reconciler.target import Target
from schemas.ids import shown
from schemas.tables import HandoffRow
from schemas.times import MINUTE
from schemas.words import HandoffState
from storage import handoffs
from storage.engine import StoreAway
from storage.leases import LeaseLost
from storage.points import reach

log = structlog.get_logger()

SET_ASIDE_FOR = 5 * MINUTE
BROKEN = Attempt(False, message="an error of ours while telling")


class HandingRound:
    """The handing round of one target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._patience = patience_of(target.handoff)
        self.asking: Asking[HandoffRow, Attempt] = Asking(self._tell, BROKEN, target.clock, target.woken.set, _free)

    async def run_once(self, now: int) -> int:
        """Write what has come back and begin what is due. How many attempts came back."""
        answers = self.asking.answers()
        for back in answers:
            await self._write(back, now)
        await self._start(now)
        return len(answers)

    async def _start(self, now: int) -> None:
        target, busy = self._target, self.asking.busy
        free = target.handoff.concurrency - len(busy)
        if free <= 0:
            return
        async with target.store.reading() as connection:
            due = await handoffs.due(connection, target.name, now, free, busy)
        if not due:
            return
        for row in await self._claim(due, now):
            self.asking.start(row.id, row)

    async def _claim(self, due: list[HandoffRow], now: int) -> list[HandoffRow]:
        """Count the attempts that are about to be made, so that one that kills us counts too. What was withdrawn is left out."""
        claimed: list[HandoffRow] = []
        dead: list[HandoffRow] = []
        async with self._target.writing() as connection:
            for row in sorted(due, key=lambda one: one.id):  # in one order, so that nobody waits for us in a ring
                given_up = spent(row, self._patience)
                if given_up is not None:
                    gone = await handoffs.give_up(connection, row.id, given_up, now)
                    dead += [] if gone is None else [gone]
                elif (begun := await handoffs.claim(connection, row.id, now)) is not None:
                    claimed.append(begun)
        reach("H1")
        for row in dead:
            self._log_dead(row, row.message)
        return claimed

    async def _tell(self, row: HandoffRow) -> Attempt:
        attempt = await self._target.telling.tell(row)
        reach("H3")
        return attempt

    async def _write(self, back: Back[HandoffRow, Attempt], now: int) -> None:
        """Each in a transaction of its own: one that cannot be written costs only itself."""
        target, number = self._target, back.item.id
        try:
            async with target.writing() as connection:
                row = await handoffs.get(connection, number, to_change=True)
                if row is None:
                    raise LookupError(f"hand-off {number} is not there")
                changes = outcome(row, back.answer, self._patience, target.jitter(), now)
                await handoffs.change(connection, number, changes, now)
        except (LeaseLost, StoreAway):
            raise
        except Exception:
            log.exception("poison", target=target.name)
            async with target.writing() as connection:
                await handoffs.put_off(connection, number, now + SET_ASIDE_FOR)
        else:
            reach("H4")
            self._log(row, changes)
        self.asking.written([number])

    def _log(self, row: HandoffRow, changes: dict[str, object]) -> None:
        named = {**_named(row), "attempts": row.attempts}
        state, message = changes.get("state", row.state), changes["message"]
        if state == HandoffState.DONE:
            log.info("handed_on", **named)
        elif state == HandoffState.DEAD:
            self._log_dead(row, message)
        else:
            log.warning("handoff_failed", state=state, message=message, **named)

    def _log_dead(self, row: HandoffRow, message: object) -> None:
        name = shown(HANDOFF, row.id)
        advice = f"see `batchkeeper handoff {name}`; `batchkeeper replay {name}` tries it again"
        log.error("handoff_dead", **_named(row), message=message, advice=advice)


def _named(row: HandoffRow) -> dict[str, str]:
    return {"handoff": shown(HANDOFF, row.id), "target": row.target, row.about: about_id(row)}


def _free() -> None:
    """Telling downstream takes of nobody's budget."""
